// What ends jobs, drops results or calls upstreams again says what it would do, and does it with --yes only.
import type { Report } from './report';

export interface Consent {
  readonly isGiven: boolean;
  /** Nothing more is asked for: saying what would be done is the whole task. */
  readonly isDryRun: boolean;
}

/** A dry run does nothing, whatever else is given. */
export const consentOf = (options: { yes?: boolean; dryRun?: boolean }): Consent => ({
  isGiven: options.yes === true && options.dryRun !== true,
  isDryRun: options.dryRun === true,
});

/** @param what follows "Would" in the sentence. */
export function planned(consent: Consent, json: object, what: string, details = ''): Report {
  const hint = consent.isDryRun ? '' : '\nNothing was done. Repeat it with --yes.';
  return {
    exitCode: consent.isDryRun ? 0 : 2,
    json: { would: json, done: false },
    text: () => `Would ${what}.${details === '' ? '' : `\n${details}`}${hint}`,
  };
}
