// The result of a check of the doctor.

export interface Finding {
  readonly level: 'error' | 'warning';
  /** What is wrong, where, and the remedy. It contains no credential and no part of a request. */
  readonly message: string;
}

export interface CheckResult {
  readonly name: string;
  /** What the check looked at. */
  readonly seen: string;
  readonly findings: readonly Finding[];
}

export const error = (message: string): Finding => ({ level: 'error', message });
export const warning = (message: string): Finding => ({ level: 'warning', message });

/** The most severe level of its findings. */
export const levelOf = ({ findings }: CheckResult): 'ok' | 'warning' | 'error' =>
  findings.some(({ level }) => level === 'error') ? 'error' : findings.length > 0 ? 'warning' : 'ok';
