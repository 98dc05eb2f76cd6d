// The names of all keys and channels in Redis. The keys of a job have the hash tag `{ID}` and those of a queue `{QUEUE}`, so
// that each script stays in one slot of a Redis Cluster. Neither the prefix nor a queue's name contains braces or colons (schemas/).

/** Names the keys and channels under one key prefix. */
export class KeySpace {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** A job's record: hash (jobs/job-record.ts). */
  record(id: string): string {
    return this.#ofJob(id, 'job');
  }

  /** A job's request: hash of `head` and the body's chunks `0`, `1`, … */
  request(id: string): string {
    return this.#ofJob(id, 'req');
  }

  /**
   * The response of one attempt, laid out like the request. jobs/lua/record.lua derives the same name.
   *
   * @param result `RUN.ATTEMPT`
   */
  response(id: string, result: string): string {
    return this.#ofJob(id, `res:${result}`);
  }

  /** Channel that announces that a job has settled. It is a sharded channel in the slot of the job. */
  settledChannel(id: string): string {
    return this.#ofJob(id, 'settled');
  }

  /** Exists if the job was polled a moment ago: string that expires after the route's minimum poll interval. */
  polled(id: string): string {
    return this.#ofJob(id, 'polled');
  }

  /** Exists if a loopback token has been consumed: string that expires with the token (loopback/loopback-token.ts). */
  loopback(id: string, nonce: string): string {
    return this.#ofJob(id, `loopback:${nonce}`);
  }

  /** Exists if a job was created under an idempotency key: string that outlives the record (jobs/lua/acknowledge.lua). */
  created(id: string): string {
    return this.#ofJob(id, 'created');
  }

  /** A copy of the record as it was when the job settled, for its callback: hash that expires after 26 hours. */
  callback(id: string): string {
    return this.#ofJob(id, 'callback');
  }

  /**
   * The claim that says which job an idempotency key names: hash (queue/lua/claim.lua).
   *
   * @param key a hash that reveals neither the caller nor the key.
   */
  claim(queue: string, key: string): string {
    return this.#ofQueue(queue, `idem:${key}`);
  }

  /** Jobs with a callback that is still to be delivered: sorted set, score = when a worker next looks at it (ms). */
  callbacks(queue: string): string {
    return this.#ofQueue(queue, 'callbacks');
  }

  /** Slots of waiting jobs: sorted set, score = when the slot expires (ms). queue/lua/settled.lua derives names from this one. */
  slots(queue: string): string {
    return this.#ofQueue(queue, 'slots');
  }

  /** Jobs that have not settled: sorted set, score = deadline (ms). The sweeper goes through it. */
  openJobs(queue: string): string {
    return this.#ofQueue(queue, 'open');
  }

  /** Jobs with stored bodies: sorted set, score = when the bodies of the job expire (ms) (queue/lua/stored.lua). */
  stored(queue: string): string {
    return this.#ofQueue(queue, 'stored');
  }

  /** Size of the stored bodies: hash of bytes by job ID, and their `total`. */
  storedBytes(queue: string): string {
    return this.#ofQueue(queue, 'bytes');
  }

  /** Fair ranks of a queue: hash of `current`, `base` and `max` (queue/lua/reserve.lua). */
  ranks(queue: string): string {
    return this.#ofQueue(queue, 'ranks');
  }

  /**
   * The rank that a caller's last job in a queue got: string.
   *
   * @param caller a hash that does not identify anyone.
   */
  callerRank(queue: string, caller: string): string {
    return this.#ofQueue(queue, `rank:${caller}`);
  }

  /** A caller's unsettled jobs in a queue: sorted set, score = when the entry expires (ms). */
  callerJobs(queue: string, caller: string): string {
    return this.#ofQueue(queue, `caller:${caller}`);
  }

  /** Dead letters of a queue: sorted set, score = when the record expires (ms). */
  deadLetters(queue: string): string {
    return this.#ofQueue(queue, 'dead');
  }

  /**
   * Exists if a run of a job has been redriven: string with a TTL. queue/lua/remove_job.lua then ignores a late removal of that
   * run. Each run has its own key, so that the removal of the next run is not ignored.
   *
   * @param expiresAt `expires_at` of the record before the redrive: it identifies the run.
   */
  redriven(queue: string, id: string, expiresAt: number): string {
    return this.#ofQueue(queue, `redriven:${id}:${String(expiresAt)}`);
  }

  /** The circuit breaker of a queue: hash (queue/lua/breaker.lua). */
  breaker(queue: string): string {
    return this.#ofQueue(queue, 'breaker');
  }

  /** The pause of a queue: string with the reason, which expires when the pause ends (queue/queue-pause.ts). */
  pause(queue: string): string {
    return this.#ofQueue(queue, 'pause');
  }

  /** Settings in force on a queue: sorted set of content hashes, score = when the registration expires (ms). */
  queueSettings(queue: string): string {
    return this.#ofQueue(queue, 'settings');
  }

  /** The worker process that sweeps the queue: string with a TTL. */
  sweepLock(queue: string): string {
    return this.#ofQueue(queue, 'sweeper');
  }

  /** Registered queues: sorted set, score = when the registration expires (ms). */
  queues(): string {
    return `${this.prefix}:queues`;
  }

  /** Settings that jobs were accepted under, by content hash: JSON text without secrets. */
  settings(hash: string): string {
    return `${this.prefix}:settings:${hash}`;
  }

  /** Channel on which workers receive registrations and cancellations. */
  controlChannel(): string {
    return `${this.prefix}:control`;
  }

  /** Prefix of BullMQ's keys of a queue. BullMQ appends `:QUEUE:…`. */
  bullPrefix(queue: string): string {
    return `${this.prefix}:{${queue}}`;
  }

  /** BullMQ's jobs of a queue that may start, in their order: sorted set. All jobs of this program have a priority. */
  bullWaiting(queue: string): string {
    return this.#ofQueue(queue, `${queue}:prioritized`);
  }

  /** BullMQ's rate limiter of a queue: string with the number of starts in the current window. */
  bullLimiter(queue: string): string {
    return this.#ofQueue(queue, `${queue}:limiter`);
  }

  /** BullMQ's own key of a job. It exists as long as BullMQ knows the job. */
  bullJob(queue: string, id: string): string {
    return this.#ofQueue(queue, `${queue}:${id}`);
  }

  #ofJob(id: string, name: string): string {
    return `${this.prefix}:{${id}}:${name}`;
  }

  #ofQueue(queue: string, name: string): string {
    return `${this.prefix}:{${queue}}:${name}`;
  }
}
