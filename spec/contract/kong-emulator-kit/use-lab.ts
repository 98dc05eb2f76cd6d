import { useResources } from '../../helpers/use-resources';
import { startLab, type Lab } from './lab';

/** One lab for all tests of a `describe`, stopped after the last. What its upstream saw is forgotten after each. */
export function useLab(...options: Parameters<typeof startLab>): Omit<Lab, 'stop'> {
  let started: Lab | null = null;

  useResources(async (resources) => {
    started = await resources.use(startLab(...options), (lab) => lab.stop());
  });

  afterEach(() => void (here().upstream.seen.length = 0));

  const here = (): Lab => {
    if (started === null) throw new Error('the lab is there only while tests run');
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
