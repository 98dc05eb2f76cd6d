// What a check of the doctor says.

export interface Finding {
  readonly level: 'error' | 'warning';
  /** What is wrong, where, and what to do about it. No credential, no request. */
  readonly message: string;
}

export interface CheckResult {
  readonly name: string;
  /** What was seen, where all is well. */
  readonly seen: string;
  readonly findings: readonly Finding[];
}

export const error = (message: string): Finding => ({ level: 'error', message });
export const warning = (message: string): Finding => ({ level: 'warning', message });

/** The worst of its findings. */
export const levelOf = ({ findings }: CheckResult): 'ok' | 'warning' | 'error' =>
  findings.some(({ level }) => level === 'error') ? 'error' : findings.length > 0 ? 'warning' : 'ok';
