// One Redis for a spec file, a lab of its own for each test.
import { RedisServer } from '../../helpers/redis-server';
import { useResources } from '../../helpers/use-resources';
import { BytesLab } from './bytes-lab';

export interface BytesStage {
  readonly lab: BytesLab;
  /** A further lab, closed with the test. */
  readonly another: () => BytesLab;
}

export function useBytesLab(): BytesStage {
  const labs: BytesLab[] = [];
  let server: RedisServer | undefined;
  const another = (): BytesLab => {
    if (server === undefined) throw new Error('Redis has not been started');
    const lab = new BytesLab(server.port);
    labs.push(lab);
    return lab;
  };
  useResources(async (resources) => {
    server = await resources.use(RedisServer.start({ appendOnly: false }), (started) => started.stop());
  });
  beforeEach(() => {
    another();
  });
  afterEach(async () => {
    for (const lab of labs.splice(0).reverse()) await lab.close();
  });
  return {
    another,
    get lab() {
      const [lab] = labs;
      if (lab === undefined) throw new Error('no lab outside of a test');
      return lab;
    },
  };
}
