// wrk as the load generator: a few connections, each with its next request as soon as it has its answer.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export interface WrkRequest {
  readonly method?: string;
  /** With its query. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface WrkOptions {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  /** Sent in turn, over and over. */
  readonly requests: readonly WrkRequest[];
}

interface WrkResult {
  /** Answered, with whatever status. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers of 400 and more, time-outs and broken connections. */
  readonly failed: number;
}

const MARK = 'WRK-RESULT ';
const run = promisify(execFile);

/** @returns the version @throws Error that says what to install */
export function requireWrk(): string {
  // It has no option that only prints the version: it prints the usage too, and fails.
  const { error, stdout, stderr } = spawnSync('wrk', ['--version'], { encoding: 'utf8' });
  if (error !== undefined) {
    throw new Error('the benchmarks need wrk in the PATH: apt-get install wrk');
  }
  return /^wrk (\S+)/.exec(stdout + stderr)?.[1] ?? 'unknown';
}

export async function runWrk(options: WrkOptions): Promise<WrkResult> {
  const directory = mkdtempSync(path.join(tmpdir(), 'arr-wrk-'));
  try {
    const script = path.join(directory, 'load.lua');
    writeFileSync(script, luaScript(options.requests));
    const { stdout } = await run('wrk', [
      '--threads',
      '1',
      '--connections',
      String(options.connections),
      '--duration',
      `${options.seconds}s`,
      '--timeout',
      '30s',
      '--script',
      script,
      options.url,
    ]);
    const line = stdout.split('\n').find((text) => text.startsWith(MARK));
    if (line === undefined) {
      throw new Error(`wrk gave no result:\n${stdout}`);
    }
    return JSON.parse(line.slice(MARK.length)) as WrkResult;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The requests are made up before the clock runs; wrk's times are in microseconds. */
function luaScript(requests: readonly WrkRequest[]): string {
  const made = requests.map(({ method = 'GET', target, headers = {}, body }) => {
    const fields = Object.entries(headers).map(([name, value]) => `[${lua(name)}] = ${lua(value)}`);
    const content = body === undefined ? 'nil' : lua(body);
    return `wrk.format(${lua(method)}, ${lua(target)}, { ${fields.join(', ')} }, ${content})`;
  });
  return `local requests, at = {}, 0
init = function() requests = { ${made.join(',\n')} } end
request = function()
  at = at % #requests + 1
  return requests[at]
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '${MARK}{"requests":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"failed":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;
}

/** A Lua string with these bytes; JSON's escapes beyond the printable ones are not Lua's. */
const lua = (text: string): string =>
  `"${[...Buffer.from(text)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
