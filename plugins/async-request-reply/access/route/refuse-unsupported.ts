// Settings that the schema has and this release does not do yet. An instance that asks for one does not start:
// to accept the setting and leave it undone would be worse.
import type { Config } from '../../../../schemas/generated/config-type';
import { ConfigError } from '../../../../schemas/config-error';

const UNSUPPORTED: readonly (readonly [field: string, asked: (config: Config) => boolean])[] = [
  ['dispatch: kafka', ({ dispatch }) => dispatch === 'kafka'],
];

/** @throws ConfigError that names every setting that cannot be had yet. */
export function refuseUnsupported(config: Config): void {
  const fields = UNSUPPORTED.filter(([, asked]) => asked(config)).map(([field]) => field);
  if (fields.length > 0) {
    throw new ConfigError(
      'The configuration of the plugin async-request-reply',
      fields.map((field) => ({ field, message: `${field} is not available in this release. Leave it out.` })),
    );
  }
}
