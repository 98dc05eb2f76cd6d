import { spawnSync } from 'node:child_process';
import type { Gateway } from '../gateway';

/** Kong in Docker, as docker-compose.yml has it. @throws saying what is missing where there is no Docker engine */
export function startCompose(): Promise<Gateway> {
  const run = spawnSync('docker', ['info'], { encoding: 'utf8' });
  const reason =
    run.status === 0
      ? 'starting Kong by compose is not written yet: run it yourself, or set KONG_BIN'
      : `GATEWAY=compose needs a Docker engine: ${run.error?.message ?? run.stderr.trim()}`;
  return Promise.reject(new Error(reason));
}
