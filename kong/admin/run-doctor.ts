// `doctor`: checks for problems that lose jobs, stop them, or let requests bypass the plugin. It changes nothing.
import type { AdminContext } from './admin-context';
import { checkAcl } from './doctor/check-acl';
import { checkBacklog } from './doctor/check-backlog';
import { checkKeys } from './doctor/check-keys';
import { checkKongYml } from './doctor/check-kong-yml';
import { checkQueues } from './doctor/check-queues';
import { checkClock, checkServers } from './doctor/check-redis';
import { checkVariables } from './doctor/check-variables';
import { error, levelOf, type CheckResult } from './doctor/finding';
import { CommandError, type Report, type Style } from './report';
import { printable } from './table';

interface DoctorOptions {
  readonly kongYml?: string | undefined;
  /** Whether to scan all keys. Only this check takes longer the more keys there are. */
  readonly scansKeys: boolean;
  /** The environment of this program. A worker on this machine should have the same. */
  readonly env: NodeJS.ProcessEnv;
  /** The clock of this machine. */
  readonly nowMs: () => number;
}

export async function runDoctor(context: AdminContext, options: DoctorOptions): Promise<Report> {
  const checks: [string, () => Promise<CheckResult | CheckResult[]>][] = [
    ['redis', () => checkServers(context)],
    ['acl', () => checkAcl(context)],
    ['clock', () => checkClock(context, options.nowMs)],
    ['queues', () => checkQueues(context)],
    ['backlog', () => checkBacklog(context.settings.listen_backlog)],
    ['variables', () => Promise.resolve(checkVariables(options.env))],
  ];
  if (options.scansKeys) {
    checks.push(['keys', () => checkKeys(context)]);
  }
  const { kongYml } = options;
  if (kongYml !== undefined) {
    checks.push(['fail-closed', () => checkKongYml(kongYml)]);
  }
  const results: CheckResult[] = [];
  for (const [name, check] of checks) {
    results.push(...(await attempt(name, check)));
  }
  const isWell = results.every((result) => levelOf(result) !== 'error');
  return {
    exitCode: isWell ? 0 : 1,
    json: {
      ok: isWell,
      checks: results.map((result) => ({ ...result, level: levelOf(result) })),
    },
    text: (style) => results.map((result) => lines(result, style)).join('\n'),
  };
}

/** A check that fails is a finding. The other checks still run. */
async function attempt(
  name: string,
  check: () => Promise<CheckResult | CheckResult[]>,
): Promise<CheckResult[]> {
  try {
    return [await check()].flat();
  } catch (failure) {
    if (failure instanceof CommandError) {
      throw failure;
    }
    const why = failure instanceof Error ? failure.message : String(failure);
    return [{ name, seen: 'not checked', findings: [error(`The check failed: ${why}`)] }];
  }
}

const COLOURS = { ok: 'green', warning: 'yellow', error: 'red' } as const;

function lines(result: CheckResult, { paint }: Style): string {
  const level = levelOf(result);
  const head = `${paint(level.padEnd(7), COLOURS[level])}  ${result.name.padEnd(16)}  ${printable(result.seen)}`;
  return [head, ...result.findings.map(({ message }) => `         ${printable(message)}`)].join('\n');
}
