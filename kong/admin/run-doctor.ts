// `doctor`: looks for what will lose jobs, stop them, or let requests past the queue. It changes nothing.
import type { AdminContext } from './admin-context';
import { checkAcl } from './doctor/check-acl';
import { checkBacklog } from './doctor/check-backlog';
import { checkKeys } from './doctor/check-keys';
import { checkKongYml } from './doctor/check-kong-yml';
import { checkQueues } from './doctor/check-queues';
import { checkClock, checkServers } from './doctor/check-redis';
import { levelOf, type CheckResult } from './doctor/finding';
import type { Report, Style } from './report';
import { printable } from './table';

export interface DoctorOptions {
  readonly kongYml?: string | undefined;
  /** Whether to go through all keys: the only check whose time grows with them. */
  readonly scansKeys: boolean;
  /** The clock of this machine. */
  readonly nowMs: () => number;
}

export async function runDoctor(context: AdminContext, options: DoctorOptions): Promise<Report> {
  const results: CheckResult[] = [
    ...(await checkServers(context)),
    await checkAcl(context),
    await checkClock(context, options.nowMs),
    ...(await checkQueues(context)),
    ...(options.scansKeys ? await checkKeys(context) : []),
    await checkBacklog(context.settings.listen_backlog),
    ...(options.kongYml === undefined ? [] : [await checkKongYml(options.kongYml)]),
  ];
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

const COLOURS = { ok: 'green', warning: 'yellow', error: 'red' } as const;

function lines(result: CheckResult, { paint }: Style): string {
  const level = levelOf(result);
  const head = `${paint(level.padEnd(7), COLOURS[level])}  ${result.name.padEnd(16)}  ${printable(result.seen)}`;
  return [head, ...result.findings.map(({ message }) => `         ${printable(message)}`)].join('\n');
}
