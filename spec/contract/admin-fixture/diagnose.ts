// What the doctor says, in a form that specs compare.
import type { AdminSystem } from './admin-system';

export interface Diagnosis {
  readonly code: number;
  readonly ok: boolean;
  /** Names of checks that found something, with its level. */
  readonly found: Record<string, string>;
  readonly messages: string;
}

/** Runs the doctor on a system; the kernel's backlog is always enough. */
export async function diagnose(
  system: AdminSystem,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<Diagnosis> {
  const { code, value } = await system.json(['doctor', ...args], { ARR_LISTEN_BACKLOG: '1', ...env });
  const { ok, checks } = value as {
    ok: boolean;
    checks: { name: string; level: string; findings: { message: string }[] }[];
  };
  const bad = checks.filter(({ level }) => level !== 'ok');
  return {
    code,
    ok,
    found: Object.fromEntries(bad.map(({ name, level }) => [name, level])),
    messages: bad.flatMap(({ findings }) => findings.map(({ message }) => message)).join('\n'),
  };
}
