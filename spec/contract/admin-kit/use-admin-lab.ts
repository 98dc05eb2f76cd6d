// One Redis and one upstream for a spec file, a lab of its own for each test.
import { RedisServer } from '../../helpers/redis-server';
import { Upstream } from '../../helpers/upstream';
import { useResources } from '../../helpers/use-resources';
import { resolveConfig } from '../../../schemas/resolve-config';
import { AdminLab, type LabRedis } from './admin-lab';

export interface AdminStage {
  readonly lab: AdminLab;
  readonly server: RedisServer;
  readonly upstream: Upstream;
}

const labRedis = (server: RedisServer): LabRedis => ({
  settings: resolveConfig({ redis: { port: server.port } }).redis,
  env: { ARR_REDIS_PORT: String(server.port) },
  keys: () => server.keys(),
});

export function useAdminLab(): AdminStage {
  let stage: { lab?: AdminLab; server?: RedisServer; upstream?: Upstream } = {};
  useResources(async (resources) => {
    const server = await resources.use(RedisServer.start(), (started) => started.stop());
    const upstream = await resources.use(Upstream.start(), (started) => started.stop());
    stage = { server, upstream };
  });
  beforeEach(() => {
    stage.lab = new AdminLab(labRedis(here('server')), here('upstream'));
  });
  afterEach(() => stage.lab?.close());
  const here = <Name extends keyof AdminStage>(name: Name): AdminStage[Name] => {
    const part = stage[name];
    if (part === undefined) throw new Error(`${name} has not been started`);
    return part as AdminStage[Name];
  };
  return {
    get lab() {
      return here('lab');
    },
    get server() {
      return here('server');
    },
    get upstream() {
      return here('upstream');
    },
  };
}
