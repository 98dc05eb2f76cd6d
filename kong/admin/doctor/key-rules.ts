// Classifies keys by their names (redis/keys.ts): their kind, and whether they must have a TTL.

type KeyKind =
  | { readonly kind: 'record' | 'payload'; readonly id: string }
  /** `lives`: whether it must have a TTL. */
  | { readonly kind: 'other'; readonly lives: boolean };

const JOB_KEY = /^\{([^}]+)\}:(job|req|res:.+)$/;

/** Short-lived keys of a job. */
const JOB_MARK = /^\{[^}]+\}:(polled|loopback:.+)$/;

/** Keys of a queue with temporary data of callers or jobs, or with a state that must expire. */
const LIVING_QUEUE_KEY =
  /^\{[^}]+\}:(created|idem:.+|callback|callbacks|ranks|rank:.+|caller:.+|dead|redriven:.+|stored|bytes|breaker|settings|sweeper|settled:.+)$/;

/** @returns undefined for a key that is not ours, or that needs no TTL: BullMQ's keys, slots, open jobs, queues. */
export function keyKind(prefix: string, key: string): KeyKind | undefined {
  const name = key.slice(prefix.length + 1);
  const [, id, part] = JOB_KEY.exec(name) ?? [];
  if (id !== undefined) {
    return { kind: part === 'job' ? 'record' : 'payload', id };
  }
  const lives = JOB_MARK.test(name) || LIVING_QUEUE_KEY.test(name) || name.startsWith('settings:');
  return lives ? { kind: 'other', lives } : undefined;
}
