import type { Violations } from './schema-violations';

/** What Kong answers with 400 on `POST /config`, and what stops it from starting. */
export class DeclarativeError extends Error {
  override readonly name = 'DeclarativeError';

  /** @param fields what is wrong, nested as the file is: `{services: [{routes: [{paths: "…"}]}]}` */
  constructor(readonly fields: Violations) {
    super(`declarative config is invalid: ${JSON.stringify(fields)}`);
  }
}
