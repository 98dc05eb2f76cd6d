import { startStack, type Stack, type StackOptions } from './stack';
import { watchOpenHandles } from './stack/open-handles';
import { until } from './until';

/** A real Kong takes seconds to start, and longer while another spec runs beside it. */
const START_TIMEOUT_MS = 90_000;

/**
 * One stack for all tests of a `describe` or a file, closed after the last. A test that leaves the upstream's answer held
 * back or a connection open fails, and so does a file that leaves a socket, a server or a process.
 */
export function useStack(options: StackOptions): () => Stack {
  let stack: Stack | null = null;
  let checkHandles: (() => Promise<void>) | null = null;

  beforeAll(async () => {
    checkHandles = watchOpenHandles();
    stack = await startStack(options);
  }, START_TIMEOUT_MS);

  afterEach(async () => {
    const leftovers = (): string[] => stack?.leftovers() ?? [];
    // The other end of a connection may learn a little later that it is over.
    await until('nothing to be left', () => leftovers().length === 0, { timeoutMs: 2000 }).catch(
      () => undefined,
    );
    expect(leftovers()).toEqual([]);
  });

  afterAll(async () => {
    await stack?.close();
    await checkHandles?.();
  }, START_TIMEOUT_MS);

  return () => {
    if (stack === null) throw new Error('the stack is there only while tests run');
    return stack;
  };
}
