import type { Stack } from './stack';
import { WorkerProcess } from './worker-process';

/** Lost jobs are taken up within seconds, as by the plugin server's own workers in a stack. */
const QUICK = { ARR_LEASE_SECONDS: '3', ARR_STALLED_CHECK_SECONDS: '1' };

/**
 * Workers in processes of their own, killed after each test in whatever state they are.
 * @returns what starts one on the stack's Redis
 */
export function useWorkers(stack: () => Stack): (env?: Record<string, string>) => WorkerProcess {
  const workers: WorkerProcess[] = [];
  afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.kill())));
  return (env = {}) => {
    const worker = new WorkerProcess(stack(), { ...QUICK, ...env });
    workers.push(worker);
    return worker;
  };
}
