// What an attempt needs beside its lease: the stored request, the settings it was accepted under, and their secrets. Where
// something is missing or cannot be read, this says how the attempt ends instead.
import { loggableJobId } from '../jobs/job-id';
import type { JobRecord } from '../jobs/job-record';
import type { UpstreamRequestHead } from '../http/upstream-request';
import { keysAmong, SEALING_KEY, type EncryptionKey } from '../secrets/encryption-keys';
import { secretsFor, type Secrets } from '../jobs/secrets-for';
import type { AttemptEnd } from '../jobs/job-outcomes';
import type { JobSettings } from '../jobs/job-settings';
import { KeyMissingError, PayloadAlteredError } from '../payloads/payload-errors';
import type { StoredPayload } from '../payloads/payload-reader';
import type { WorkerContext } from './worker-context';

export interface AttemptInputs {
  readonly kind: 'provided';
  readonly request: StoredPayload<UpstreamRequestHead>;
  readonly settings: JobSettings;
  readonly secrets: Secrets;
  /** Encrypts the response; undefined where it is to lie in clear. */
  readonly key: EncryptionKey | undefined;
}

export type AttemptInputsOutcome = AttemptInputs | { readonly kind: 'ended'; readonly end: AttemptEnd };

/** Secrets that this worker lacks: another worker may have them. */
const MISSING_RETRY_MS = 2000;

const failed = (code: 'internal-error' | 'request-unreadable', detail: string): AttemptInputsOutcome => ({
  kind: 'ended',
  end: { outcome: 'failed', error: { code, detail } },
});

/** @throws what Redis throws. */
export async function loadAttemptInputs(
  context: WorkerContext,
  queue: string,
  record: JobRecord,
): Promise<AttemptInputsOutcome> {
  const keys = keysAmong(context.secrets);
  const missing = (names: readonly string[]): AttemptInputsOutcome => {
    context.missingSecrets.report(queue, names);
    return { kind: 'ended', end: { outcome: 'release', delayMs: MISSING_RETRY_MS } };
  };
  // Kept from one job to the next: no round trip of its own.
  const settings = await context.settings.get(record.settingsHash);
  const secrets = settings && secretsFor(settings, context.secrets);
  if (secrets?.kind === 'missing') {
    return missing(secrets.names);
  }
  try {
    const request = await context.jobs.payloads.readRequest(record.id, keys);
    if (request === undefined || settings === undefined || secrets === undefined) {
      return failed('internal-error', 'The stored request, or the settings it was accepted under, are gone.');
    }
    const [, keyId] = settings.secrets?.find(([field]) => field === SEALING_KEY) ?? [];
    const key = keyId === undefined ? undefined : keys.find(keyId);
    return { kind: 'provided', request, settings, secrets: secrets.secrets, key };
  } catch (error) {
    if (error instanceof KeyMissingError) {
      return missing([`encryption.keys (fingerprint ${error.keyId})`]);
    }
    if (error instanceof PayloadAlteredError) {
      context.log.error({ queue, job: loggableJobId(record.id), err: error.message }, 'request not readable');
      return failed(
        'request-unreadable',
        'The stored request cannot be decrypted: it is not what was stored.',
      );
    }
    throw error;
  }
}
