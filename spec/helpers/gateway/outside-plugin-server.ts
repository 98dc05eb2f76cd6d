import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { GatewaySetup } from './gateway-setup';
import { socketAccepts } from './socket-ready';
import { until } from '../until';

/** Starts a plugin server that the gateway does not manage, as a supervisor would, and waits until it listens. */
export async function startOutsidePluginServer(setup: GatewaySetup): Promise<ChildProcess | null> {
  if (setup.pluginServer.isManaged) return null;
  const logFile = fs.openSync(path.join(setup.prefix, 'plugin-server.log'), 'a');
  const child = spawn('/bin/sh', ['-c', `exec ${setup.pluginServer.startCommand}`], {
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['ignore', logFile, logFile],
  });
  fs.closeSync(logFile);
  await until('the plugin server', () => socketAccepts(setup.pluginServer.ownSocketPath));
  return child;
}
