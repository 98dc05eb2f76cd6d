// The checks of a configuration that Kong's schema cannot make. An instance whose configuration fails one does not start.
import { createSecureContext } from 'node:tls';
import type { Config } from '../../../../schemas/generated/config-type';
import { ConfigError, type ConfigProblem } from '../../../../schemas/config-error';
import { CONFIG_SUBJECT } from '../../../../schemas/resolve-config';
import { keyBytes } from '../../secrets/encryption-keys';
import { compileSchema } from '../../validation/compile-schema';
import { REQUEST_PARTS } from '../../validation/request-schemas';
import { CLIENT_CERT, CLIENT_KEY } from './route-secrets';
import { requestSchemas } from './validation-settings';

const CHECKS: readonly ((config: Config) => ConfigProblem[])[] = [
  checkSupport,
  checkClientIdentity,
  checkEncryptionKeys,
  checkLoopback,
  checkRequestSchemas,
];

/** @throws ConfigError that lists every problem of the configuration. */
export function checkConfig(config: Config): void {
  const problems = CHECKS.flatMap((check) => check(config));
  if (problems.length > 0) {
    throw new ConfigError(CONFIG_SUBJECT, problems);
  }
}

/** Settings that are declared but not yet implemented are rejected: an accepted setting must have an effect. */
const UNSUPPORTED: readonly (readonly [field: string, isRequested: (config: Config) => boolean])[] = [
  ['dispatch: kafka', ({ dispatch }) => dispatch === 'kafka'],
];

function checkSupport(config: Config): ConfigProblem[] {
  return UNSUPPORTED.filter(([, isRequested]) => isRequested(config)).map(([field]) => ({
    field,
    message: `${field} is not available in this release. Leave it out.`,
  }));
}

/** The client certificate and its private key have to be readable, and to belong together. */
function checkClientIdentity({ upstream: { client_cert: cert, client_key: key } }: Config): ConfigProblem[] {
  if (cert === undefined || key === undefined) {
    return [];
  }
  try {
    createSecureContext({ cert, key });
    return [];
  } catch {
    // The message of OpenSSL may quote the key.
    const message = `${CLIENT_CERT} and ${CLIENT_KEY} are not a certificate and its private key. Give those that belong together.`;
    return [{ field: CLIENT_KEY, message }];
  }
}

/** Each key is the base64 of 32 bytes, and given once. */
function checkEncryptionKeys({ encryption: { keys = [] } }: Config): ConfigProblem[] {
  const normalized = keys.map((text) => keyBytes(text)?.toString('base64'));
  return normalized.flatMap((key, index) => {
    const field = `encryption.keys[${String(index)}]`;
    if (key === undefined) {
      return [
        { field, message: `${field} is not 32 bytes in base64. Make one with: openssl rand -base64 32` },
      ];
    }
    const first = normalized.indexOf(key);
    const message = `${field} is the same as encryption.keys[${String(first)}]. Leave one of them out.`;
    return first === index ? [] : [{ field, message }];
  });
}

/**
 * A worker's request through Kong needs the job ID: a request with an ID is never a submit, even if the service leads back to Kong.
 * Without it such a request would loop forever.
 */
function checkLoopback({ upstream: { mode, send_id: sendsId } }: Config): ConfigProblem[] {
  const field = 'upstream.send_id';
  const message = `${field} is false, and upstream.mode is loopback, which needs the job ID. Leave it out.`;
  return mode === 'loopback' && !sendsId ? [{ field, message }] : [];
}

/** Each schema compiles. The problem says why one does not. */
function checkRequestSchemas(config: Config): ConfigProblem[] {
  const schemas = requestSchemas(config.request);
  return REQUEST_PARTS.flatMap((part) => {
    const text = schemas[part];
    if (text === undefined) {
      return [];
    }
    try {
      compileSchema(text, part);
      return [];
    } catch (error) {
      const field = `request.${part}_schema`;
      return [{ field, message: `${field} does not compile: ${(error as Error).message}.` }];
    }
  });
}
