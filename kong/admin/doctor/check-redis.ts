// Checks the configuration of Redis, on each node that has keys.
import type { RedisNode } from '../../../plugins/async-request-reply/redis/redis-client';
import { masters } from '../scan';
import type { AdminContext } from '../admin-context';
import { error, warning, type CheckResult, type Finding } from './finding';

const LEAST_MAJOR = 7;

/** Registrations expire by the clock of the process that writes them, and delays end by the clock of the worker. */
const SKEW_WARNING_MS = 1000;
const SKEW_ERROR_MS = 10_000;

/** The fields of INFO. */
type Info = ReadonlyMap<string, string>;

async function infoOf(node: RedisNode): Promise<Info> {
  const text = await node.info();
  return new Map(
    text.split('\r\n').flatMap((line): [string, string][] => {
      const at = line.indexOf(':');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );
}

const nameOf = ({ options }: RedisNode): string => `${String(options.host)}:${String(options.port)}`;

/** Checks the version, eviction policy and append-only file of each node. */
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

/** The scripts need the flags and PEXPIRE options of Redis 7. */
export function checkVersion(info: Info): Finding[] {
  const version = info.get('redis_version') ?? '?';
  return parseInt(version, 10) >= LEAST_MAJOR
    ? []
    : [error(`Redis ${version} is too old. Version ${String(LEAST_MAJOR)} or later is required.`)];
}

function checkEviction(info: Info): Finding[] {
  const policy = info.get('maxmemory_policy') ?? '?';
  return policy === 'noeviction'
    ? []
    : [error(`maxmemory-policy is ${policy}, so accepted jobs may be evicted. Set it to noeviction.`)];
}

/** Checks whether Redis persists what it accepts. */
export function checkAppendOnly(info: Info): Finding[] {
  if (info.get('aof_enabled') !== '1') {
    return [error('The append-only file is off, so a crash loses accepted jobs. Set appendonly to yes.')];
  }
  return info.get('aof_last_write_status') === 'ok'
    ? []
    : [error('The last write of the append-only file failed. Check the log and the disk of Redis.')];
}

/** @param nowMs the clock of this machine. */
export async function checkClock({ redis }: AdminContext, nowMs: () => number): Promise<CheckResult> {
  const before = nowMs();
  const [seconds = 0, micros = 0] = await redis.time();
  const after = nowMs();
  const skewMs = Math.round((before + after) / 2 - (seconds * 1000 + micros / 1000));
  const message =
    `The clocks of this machine and of Redis differ by ${String(Math.abs(skewMs))} ms, ` +
    'and so do delays and registrations of queues. Synchronize both with NTP.';
  const findings =
    Math.abs(skewMs) > SKEW_ERROR_MS
      ? [error(message)]
      : Math.abs(skewMs) > SKEW_WARNING_MS
        ? [warning(message)]
        : [];
  return { name: 'clock', seen: `${String(skewMs)} ms`, findings };
}
