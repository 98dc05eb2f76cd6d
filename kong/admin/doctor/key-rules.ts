// What kind of key one of ours is, by its name (redis/keys.ts), and whether it must have a TTL.

export type KeyKind =
  | { readonly kind: 'record' | 'payload'; readonly id: string }
  /** `lives`: it must have a TTL. */
  | { readonly kind: 'other'; readonly lives: boolean };

const JOB_KEY = /^\{([^}]+)\}:(job|req|res:.+)$/;

/** What says something of a job for a moment. */
const JOB_MARK = /^\{[^}]+\}:(polled|loopback:.+)$/;

/** Keys of a queue that hold callers' or jobs' data for a while, or a state that must heal by itself. */
const LIVING_QUEUE_KEY =
  /^\{[^}]+\}:(created|idem:.+|callback|callbacks|ranks|rank:.+|caller:.+|dead|redriven:.+|stored|bytes|breaker|settings|sweeper|settled:.+)$/;

/** @returns undefined for a key that is not ours, or that may stay: BullMQ's, the places, the open jobs, the queues. */
export function keyKind(prefix: string, key: string): KeyKind | undefined {
  const name = key.slice(prefix.length + 1);
  const [, id, part] = JOB_KEY.exec(name) ?? [];
  if (id !== undefined) {
    return { kind: part === 'job' ? 'record' : 'payload', id };
  }
  const lives = JOB_MARK.test(name) || LIVING_QUEUE_KEY.test(name) || name.startsWith('settings:');
  return lives ? { kind: 'other', lives } : undefined;
}
