// The scripts on the lease of an attempt, one function each. The header of each Lua file describes what it does and returns.
import { defineScript, readFields, type ScriptArgument } from '../redis/script';
import type { AdvanceOutcome, AttemptEnd, RenewOutcome, SettleOutcome } from './job-outcomes';
import { parseJobRecord, RECORD_VERSION } from './job-record';
import { DIRECTORY, LIBRARIES, settledSummary, settlingKeys, type JobOptions } from './script-libraries';

interface AdvanceOptions extends JobOptions {
  /** Of the attempt that takes the lease; '' takes none. */
  readonly token: string;
  readonly leaseMs: number;
}

export const advanceJob = defineScript({
  name: 'advance',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 4,
  keys: (options: AdvanceOptions) => settlingKeys(options),
  argv: ({ token, leaseMs }) => [token, leaseMs, RECORD_VERSION],
  reply: (reply: string[], { id }): AdvanceOutcome => {
    const [kind, detail] = reply;
    switch (kind) {
      case 'missing':
      case 'newer':
      case 'open':
        return { kind };
      case 'already-settled':
      case 'settled-now':
        return { kind, ...settledSummary(reply) };
      case 'leased-elsewhere':
      case 'not-due':
        return { kind, ms: Number(detail) };
      case 'leased':
        return leased(id, reply);
      default:
        throw new Error(`advance.lua returned ${String(kind)}`);
    }
  },
});

function leased(id: string, reply: readonly string[]): AdvanceOutcome {
  const fields = readFields(reply, 2);
  const record = parseJobRecord(id, fields);
  if (record === undefined) {
    return { kind: 'missing' };
  }
  return { kind: 'leased', record, run: fields['run'] ?? '1', lifeMs: record.expiresAt - Number(reply[1]) };
}

interface RenewOptions extends JobOptions {
  readonly token: string;
  readonly leaseMs: number;
}

export const renewLease = defineScript({
  name: 'renew',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 1,
  keys: ({ keys, id }: RenewOptions) => [keys.record(id)],
  argv: ({ token, leaseMs }) => [token, leaseMs],
  reply: (code: number): RenewOutcome => (code === 1 ? 'renewed' : code === 2 ? 'cancel' : 'lost'),
});

interface SettleOptions extends JobOptions {
  readonly token: string;
  readonly end: AttemptEnd;
}

export const settleAttempt = defineScript({
  name: 'settle',
  directory: DIRECTORY,
  libraries: LIBRARIES,
  numberOfKeys: 5,
  keys: (options: SettleOptions) => [
    ...settlingKeys(options),
    options.keys.response(options.id, options.end.result ?? ''),
  ],
  argv: ({ token, end }): ScriptArgument[] => [
    token,
    end.outcome,
    end.result ?? '',
    end.upstreamStatus ?? '',
    end.error?.code ?? '',
    end.error?.detail ?? '',
    end.error?.proxyError ?? '',
    end.keepRequest ? '1' : '0',
    Math.ceil(end.delayMs ?? 0),
    end.called ? '1' : '',
    end.resultBytes ?? 0,
    end.connectAttempts ?? 0,
  ],
  reply: (reply: string[]): SettleOutcome => {
    const [kind, detail] = reply;
    switch (kind) {
      case 'settled-now':
        return { kind, ...settledSummary(reply) };
      case 'retrying':
        return { kind, delayMs: Number(detail) };
      default:
        return { kind: 'lost' };
    }
  },
});
