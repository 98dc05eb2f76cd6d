// One Redis and one upstream for a spec file, a system of its own for each test.
import { RedisServer } from '../../helpers/redis-server';
import { Upstream } from '../../helpers/upstream';
import { useResources } from '../../helpers/use-resources';
import { resolveConfig } from '../../../schemas/resolve-config';
import { AdminSystem, type SystemRedis } from './admin-system';

interface AdminFixture {
  readonly system: AdminSystem;
  readonly server: RedisServer;
  readonly upstream: Upstream;
}

const systemRedis = (server: RedisServer): SystemRedis => ({
  settings: resolveConfig({ redis: { port: server.port } }).redis,
  env: { ARR_REDIS_PORT: String(server.port) },
  keys: () => server.keys(),
});

export function useAdminFixture(): AdminFixture {
  let fixture: { system?: AdminSystem; server?: RedisServer; upstream?: Upstream } = {};
  useResources(async (resources) => {
    const server = await resources.use(RedisServer.start(), (started) => started.stop());
    const upstream = await resources.use(Upstream.start(), (started) => started.stop());
    fixture = { server, upstream };
  });
  beforeEach(() => {
    fixture.system = new AdminSystem(systemRedis(here('server')), here('upstream'));
  });
  afterEach(() => fixture.system?.close());
  const here = <Name extends keyof AdminFixture>(name: Name): AdminFixture[Name] => {
    const part = fixture[name];
    if (part === undefined) throw new Error(`${name} has not been started`);
    return part as AdminFixture[Name];
  };
  return {
    get system() {
      return here('system');
    },
    get server() {
      return here('server');
    },
    get upstream() {
      return here('upstream');
    },
  };
}
