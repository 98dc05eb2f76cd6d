import { useResources } from '../../helpers/use-resources';
import { startKongFixture, type KongFixture } from './kong-fixture';

/** One fixture for all tests of a `describe`, stopped after the last. What its upstream saw is forgotten after each. */
export function useKongFixture(...options: Parameters<typeof startKongFixture>): Omit<KongFixture, 'stop'> {
  let started: KongFixture | null = null;

  useResources(async (resources) => {
    started = await resources.use(startKongFixture(...options), (fixture) => fixture.stop());
  });

  afterEach(() => void (here().upstream.seen.length = 0));

  const here = (): KongFixture => {
    if (started === null) throw new Error('the fixture is there only while tests run');
    return started;
  };
  return {
    get gateway() {
      return here().gateway;
    },
    get upstream() {
      return here().upstream;
    },
    send: (name, request) => here().send(name, request),
    configWith: (routes) => here().configWith(routes),
  };
}
