// One Redis for a spec file, a system of its own for each test.
import { RedisServer } from '../../helpers/redis-server';
import { useResources } from '../../helpers/use-resources';
import { BytesSystem } from './bytes-system';

interface BytesFixture {
  readonly system: BytesSystem;
  /** Another system, closed with the test. */
  readonly another: () => BytesSystem;
}

export function useBytesFixture(): BytesFixture {
  const systems: BytesSystem[] = [];
  let server: RedisServer | undefined;
  const another = (): BytesSystem => {
    if (server === undefined) throw new Error('Redis has not been started');
    const system = new BytesSystem(server.port);
    systems.push(system);
    return system;
  };
  useResources(async (resources) => {
    server = await resources.use(RedisServer.start({ appendOnly: false }), (started) => started.stop());
  });
  beforeEach(() => {
    another();
  });
  afterEach(async () => {
    for (const system of systems.splice(0).reverse()) await system.close();
  });
  return {
    another,
    get system() {
      const [system] = systems;
      if (system === undefined) throw new Error('no system outside of a test');
      return system;
    },
  };
}
