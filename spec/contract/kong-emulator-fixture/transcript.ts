import fs from 'node:fs';
import path from 'node:path';
import type { TapEvent } from './rpc-tap';

/** What the recording says of one exchange: its number, what happened on the socket, what the client got. */
interface Scenario {
  number: string;
  events: TapEvent[];
  outcome: { status: number; body: string } | null;
}

type Line = TapEvent & { note?: string };

/** Reads rpc-transcript.jsonl, a recording of Kong 3.9.3 and kong-pdk 0.6.0, into its scenarios. */
export function readTranscript(): Map<string, Scenario> {
  const file = path.resolve(__dirname, '../../fixtures/rpc-transcript.jsonl');
  const scenarios = new Map<string, Scenario>();
  let current: Scenario | null = null;
  for (const text of fs.readFileSync(file, 'utf8').trim().split('\n')) {
    const line = JSON.parse(text) as Line;
    const number = /^(\d+[a-z]?): /.exec(line.note ?? '')?.[1];
    if (number !== undefined) {
      current = { number, events: [], outcome: null };
      scenarios.set(number, current);
    } else if (line.note?.startsWith('   client got') && current) current.outcome = outcome(line.note);
    else if (/^(end|===)/.test(line.note ?? '')) current = null;
    else if (line.note === undefined) current?.events.push(line);
  }
  return scenarios;
}

function outcome(note: string): { status: number; body: string } {
  const match = /HTTP (\d{3}),? body: (.*)$/s.exec(note);
  return { status: Number(match?.[1]), body: match?.[2] ?? '' };
}

/**
 * Events without what differs from run to run: times, process IDs, sequence numbers, ports, random bytes, and the
 * order of Lua's tables in what the plugin tells of them. Of the closings, only those that Kong begins are told.
 */
export function comparable(events: TapEvent[]): unknown[] {
  const closedByServer = new Set<number>();
  return events.flatMap((event): unknown[] => {
    if (event.msg !== undefined) {
      const size = event.from === 'kong' ? (event.bytes ?? 0) - sequenceDigits(event.msg) : 'unsized';
      return [[event.conn, event.from, size, alike(event.msg)]];
    }
    if (event.ev?.startsWith('pluginserver side')) closedByServer.add(event.conn);
    if (event.ev === 'kong side closed' && closedByServer.has(event.conn)) return [];
    return event.ev?.startsWith('kong') ? [[event.conn, event.ev]] : [];
  });
}

/** A configuration's number in the sequence has as many digits as it has: they do not count. */
function sequenceDigits(message: unknown): number {
  return /__seq__[\\":]+(\d+)/.exec(JSON.stringify(message))?.[1]?.length ?? 0;
}

function alike(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return alikeText(value, key);
  if (value instanceof Uint8Array) return { bytes: value.length };
  if (Array.isArray(value)) return value.map((item) => alike(item));
  if (typeof value !== 'object' || value === null) {
    return ['StartTime', '__seq__'].includes(key) ? '…' : value;
  }
  const bin = (value as { $bin?: { length: number } }).$bin;
  if (bin) return { bytes: bin.length };
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, alike(item, name)]));
}

function alikeText(text: string, key: string): unknown {
  if (key === 'Config') return alike(JSON.parse(text));
  return text
    .replace(/127\.0\.0\.1:\d+/g, 'HOST')
    .replace(/"(pid|ms)":[\d.]+/g, '"$1":0')
    .replace(/"sha256":"\w+".*$/, '"sha256":…')
    .replace(/"json":".*$/, '"json":…');
}

/** A body as the recording has it: on one line, with other quotes, truncated. */
export function noted(body: string): string {
  return body
    .replaceAll('"', "'")
    .replaceAll('\n', '')
    .replace(/127\.0\.0\.1:\d+/g, 'HOST')
    .replace(/'(pid|ms)':[\d.]+/g, "'$1':0")
    .replace(/'sha256'.*$/, "'sha256'…")
    .replace(/[0-9a-f]{32}/g, 'ID');
}
