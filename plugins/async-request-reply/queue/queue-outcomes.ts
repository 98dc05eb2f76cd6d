// What the scripts on a queue return, as TypeScript reads it (queue/queue-scripts.ts).

/** A queue that has no room for the bytes of a body. */
interface BytesFull {
  readonly kind: 'bytes-full';
  /** Until the next entry expires. */
  readonly expiresInMs: number;
}

/** A queue that has no free slot. */
export interface SlotsFull {
  readonly kind: 'full';
  readonly settledPerMinute: number;
}

export type SlotOutcome =
  | {
      readonly kind: 'reserved';
      /** Counts from 1: jobs with a lower rank start first. */
      readonly rank: number;
      /** The time of Redis, in ms. */
      readonly at: number;
      /** So long no job of the queue starts; 0: the queue is not paused. */
      readonly pausedMs: number;
    }
  | SlotsFull
  | { readonly kind: 'caller-full' }
  | BytesFull;

export type ReserveOutcome = { readonly kind: 'reserved' } | BytesFull;

export type ClaimOutcome =
  | { readonly kind: 'acquired' }
  | {
      readonly kind: 'claimed';
      readonly id: string;
      readonly isSameRequest: boolean;
      /** The key has expired. The claim then holds only as long as its job is open. */
      readonly isExpired: boolean;
      readonly ageMs: number;
    };

export type BreakerReply =
  { readonly kind: 'go' | 'probe' | 'opened' | 'closed' } | { readonly kind: 'wait'; readonly ms: number };

/** The position of a waiting job, and how its queue has moved since the job was created. */
export interface QueueProgress {
  /** 1 is next; undefined if the job does not wait for its turn. */
  readonly position: number | undefined;
  /** Jobs of the queue that settled in the last `windowMs`, most of it in the job's own time. */
  readonly settled: number;
  readonly windowMs: number;
  /** So long no job of the queue starts; 0: the queue is not paused. */
  readonly pausedMs: number;
}
