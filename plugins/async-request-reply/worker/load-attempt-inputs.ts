// Loads what an attempt needs beside its lease: the stored request, the settings that it was accepted under, and their secrets.
// If a part is missing or cannot be read, the attempt ends without a call.
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
  readonly kind: 'loaded';
  readonly request: StoredPayload<UpstreamRequestHead>;
  readonly settings: JobSettings;
  readonly secrets: Secrets;
  /** Encrypts the response; undefined if it is stored unencrypted. */
  readonly key: EncryptionKey | undefined;
}

type AttemptInputsOutcome = AttemptInputs | { readonly kind: 'ended'; readonly end: AttemptEnd };

/** Delay of a job whose secrets this worker lacks: another worker may have them. */
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
  // Cached: usually no round trip.
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
    return { kind: 'loaded', request, settings, secrets: secrets.secrets, key };
  } catch (error) {
    if (error instanceof KeyMissingError) {
      return missing([`encryption.keys (fingerprint ${error.keyId})`]);
    }
    if (error instanceof PayloadAlteredError) {
      context.log.error(
        { queue, job: loggableJobId(record.id), err: error },
        'a stored request cannot be decrypted; its job fails with request-unreadable',
      );
      return failed(
        'request-unreadable',
        'The stored request cannot be decrypted: it is not what was stored.',
      );
    }
    throw error;
  }
}
