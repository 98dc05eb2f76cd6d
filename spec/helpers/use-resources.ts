import { watchOpenHandles } from './stack/open-handles';
import { Releasers } from './stack/releasers';

/**
 * Starts what the tests of a file or a `describe` stand on before the first of them, and ends it after the last, in
 * reverse order, also what a start that failed halfway has left. A socket, a server or a process that stays open fails
 * the tests.
 */
export function useResources(start: (resources: Releasers) => Promise<void>): void {
  const resources = new Releasers();
  let checkHandles: (() => Promise<void>) | null = null;

  beforeAll(async () => {
    checkHandles = watchOpenHandles();
    await start(resources);
  });

  afterAll(async () => {
    await resources.release();
    await checkHandles?.();
  });
}
