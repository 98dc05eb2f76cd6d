// Checks of Redis as it is set up: each node that holds keys is asked.
import type Redis from 'ioredis';
import { masters } from '../scan';
import type { AdminContext } from '../admin-context';
import { error, warning, type CheckResult, type Finding } from './finding';

const LEAST_MAJOR = 7;

/** Announcements lapse by the clocks of those who write them, delays by those of the workers. */
const SKEW_WARNING_MS = 1000;
const SKEW_ERROR_MS = 10_000;

/** Fields of INFO. */
export type Info = ReadonlyMap<string, string>;

async function infoOf(node: Redis): Promise<Info> {
  const text = await node.info();
  return new Map(
    text.split('\r\n').flatMap((line): [string, string][] => {
      const at = line.indexOf(':');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );
}

const nameOf = ({ options }: Redis): string => `${String(options.host)}:${String(options.port)}`;

/** Version, eviction and append-only file of each node. */
export async function checkServers({ redis }: AdminContext): Promise<CheckResult[]> {
  const nodes = await Promise.all(
    masters(redis).map(async (node) => ({ name: nameOf(node), info: await infoOf(node) })),
  );
  const check = (name: string, fields: readonly string[], check: (info: Info) => Finding[]): CheckResult => ({
    name,
    seen: [...new Set(nodes.flatMap(({ info }) => fields.map((field) => info.get(field) ?? '?')))].join(', '),
    findings: nodes.flatMap(({ name: node, info }) =>
      check(info).map((finding) => ({ ...finding, message: `${node}: ${finding.message}` })),
    ),
  });
  return [
    check('redis-version', ['redis_version'], checkVersion),
    check('eviction', ['maxmemory_policy'], checkEviction),
    check('append-only-file', ['aof_enabled'], checkAppendOnly),
  ];
}

/** Redis 7 has the script flags and PEXPIRE options that are used. */
export function checkVersion(info: Info): Finding[] {
  const version = info.get('redis_version') ?? '?';
  return parseInt(version, 10) >= LEAST_MAJOR
    ? []
    : [error(`Redis ${version} is too old: version ${String(LEAST_MAJOR)} or later is needed.`)];
}

function checkEviction(info: Info): Finding[] {
  const policy = info.get('maxmemory_policy') ?? '?';
  return policy === 'noeviction'
    ? []
    : [error(`maxmemory-policy is ${policy}: accepted jobs may be evicted. Set it to noeviction.`)];
}

/** Whether what Redis accepts is on its disk. */
export function checkAppendOnly(info: Info): Finding[] {
  if (info.get('aof_enabled') !== '1') {
    return [error('The append-only file is off: accepted jobs are lost in a crash. Set appendonly to yes.')];
  }
  return info.get('aof_last_write_status') === 'ok'
    ? []
    : [error('The last write of the append-only file failed: look at the log and the disk of Redis.')];
}

/** @param nowMs the clock of this machine. */
export async function checkClock({ redis }: AdminContext, nowMs: () => number): Promise<CheckResult> {
  const before = nowMs();
  const [seconds = 0, micros = 0] = await redis.time();
  const after = nowMs();
  const skewMs = Math.round((before + after) / 2 - (seconds * 1000 + micros / 1000));
  const message =
    `The clocks of this machine and of Redis are ${String(Math.abs(skewMs))} ms apart: ` +
    'delays and announcements go wrong by that. Keep both by NTP.';
  const findings =
    Math.abs(skewMs) > SKEW_ERROR_MS
      ? [error(message)]
      : Math.abs(skewMs) > SKEW_WARNING_MS
        ? [warning(message)]
        : [];
  return { name: 'clock', seen: `${String(skewMs)} ms`, findings };
}
