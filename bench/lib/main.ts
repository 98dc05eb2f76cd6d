import { Releasers } from '../../spec/helpers/stack/releasers';

/** Runs a benchmark and closes what it opened, also when it fails or is interrupted. */
export function main(run: (releasers: Releasers) => Promise<void>): void {
  const releasers = new Releasers();
  const fail = (error: unknown): void => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  };
  const interrupt = (): void => {
    const end = (): never => process.exit(1);
    releasers.release().then(end, end);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  run(releasers)
    .catch(fail)
    .then(() => releasers.release())
    .catch(fail);
}
