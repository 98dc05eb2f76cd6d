// Commands that end jobs, delete results or call upstreams again require --yes. Without it they show what they would do.
import type { Report } from './report';

export interface Consent {
  readonly isGiven: boolean;
  /** The user requested only the description of what would be done. */
  readonly isDryRun: boolean;
}

/** A dry run changes nothing, even with --yes. */
export const consentOf = (options: { yes?: boolean; dryRun?: boolean }): Consent => ({
  isGiven: options.yes === true && options.dryRun !== true,
  isDryRun: options.dryRun === true,
});

/** @param what completes the sentence "Would …". */
export function planned(consent: Consent, json: object, what: string, details = ''): Report {
  const hint = consent.isDryRun ? '' : '\nNothing was changed. Repeat the command with --yes.';
  return {
    exitCode: consent.isDryRun ? 0 : 2,
    json: { would: json, done: false },
    text: () => `Would ${what}.${details === '' ? '' : `\n${details}`}${hint}`,
  };
}
