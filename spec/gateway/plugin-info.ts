import { spawn } from 'node:child_process';
import type { SchemaField } from './config/kong-schema';

/** What Kong keeps of a plugin server's dump. */
export interface PluginInfo {
  name: string;
  priority: number;
  phases: string[];
  config: SchemaField;
}

interface DumpedPlugin {
  Name: string;
  Priority: number;
  Phases: string[];
  Schema: { fields: Record<string, SchemaField>[] };
}

/**
 * Runs a `_query_cmd` by the shell, as Kong does at every start and reload, and takes the first plugin of its dump.
 * @throws Error when its output is no JSON: Kong does not start then
 */
export async function queryPluginInfo(command: string): Promise<PluginInfo> {
  const output = await readOutput(command);
  const dump = decode(output);
  const plugins = Array.isArray(dump) ? dump : dump.Plugins;
  const first = plugins?.[0];
  if (!first?.Name) throw new Error(`not a plugin info table:\n${command}\n${output}`);
  const config = first.Schema.fields.map((field) => field['config']).find((field) => field !== undefined);
  return {
    name: first.Name,
    priority: first.Priority,
    phases: first.Phases,
    config: config ?? { type: 'record', fields: [] },
  };
}

/** All that the command says, whatever its exit status: Kong does not look at that. */
function readOutput(command: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('close', () => resolve(output));
  });
}

function decode(text: string): DumpedPlugin[] | { Plugins?: DumpedPlugin[] } {
  try {
    return JSON.parse(text) as DumpedPlugin[] | { Plugins?: DumpedPlugin[] };
  } catch (cause) {
    throw new Error(`failed decoding plugin info: ${text.slice(0, 200)}`, { cause });
  }
}
