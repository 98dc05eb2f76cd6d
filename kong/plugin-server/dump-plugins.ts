// What Kong asks before it starts: its master process runs `_query_cmd`, reads all of the output as JSON and waits for
// the process to end. A plugin that prints as it loads, or leaves a timer or a connection open, must not matter.
import { writeSync } from 'node:fs';
import { encodeMsgpack } from './msgpack-encode';
import type { RpcServer } from './rpc-server';

const STDOUT = 1;
const RETRY_MS = 1;

/** Sends whatever is printed in this process to stderr, so that stdout is the dump's alone. Call before loading plugins. */
export function keepStdoutForDump(): void {
  process.stdout.write = process.stderr.write.bind(process.stderr);
}

/**
 * Writes the description of every plugin as one JSON array, or of the plugin `only` as one MsgPack map, and ends the
 * process with 0.
 *
 * @throws if there is no plugin of that name
 */
export async function dumpPlugins(server: RpcServer, only?: string): Promise<never> {
  if (only !== undefined) {
    writeToStdout(encodeMsgpack(await server.GetPluginInfo(only)));
  } else {
    const infos = await Promise.all([...server.plugins.keys()].map((name) => server.GetPluginInfo(name)));
    writeToStdout(Buffer.from(`${JSON.stringify(infos)}\n`));
  }
  return process.exit(0);
}

// At once and whole: what stdout's stream had still to write would be lost at the exit.
function writeToStdout(bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(STDOUT, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS); // a pipe that is full
    }
  }
}
