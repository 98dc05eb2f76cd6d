// Rejects settings of the processes that are declared but not yet implemented: a process with one does not start.
import { ConfigError } from '../../schemas/config-error';
import type { ProcessSettings } from '../../schemas/generated/process-settings-type';

const UNSUPPORTED = ['metrics_listen'] as const;

/** @throws ConfigError that names every setting that is not yet implemented. */
export function refuseUnsupportedSettings(settings: ProcessSettings): void {
  const fields = UNSUPPORTED.filter((field) => settings[field] !== undefined);
  if (fields.length > 0) {
    throw new ConfigError(
      'The settings of the process',
      fields.map((field) => ({ field, message: `${field} is not available in this release. Remove it.` })),
    );
  }
}
