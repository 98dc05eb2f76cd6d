// Settings of the processes that are declared and that this release does not do yet: a process that is told one does not
// start, rather than leave it undone.
import { ConfigError } from '../../schemas/config-error';
import type { ProcessSettings } from '../../schemas/generated/process-settings-type';

const UNSUPPORTED = ['metrics_listen'] as const;

/** @throws ConfigError that names every setting that cannot be had yet. */
export function refuseUnsupportedSettings(settings: ProcessSettings): void {
  const fields = UNSUPPORTED.filter((field) => settings[field] !== undefined);
  if (fields.length > 0) {
    throw new ConfigError(
      'The settings of the process',
      fields.map((field) => ({ field, message: `${field} is not available in this release. Leave it out.` })),
    );
  }
}
