// Every key in Redis. A job's keys share the slot of its ID, a queue's keys the slot of its name, so that each
// script stays in one slot of a Redis Cluster. `prefix` and queue names hold no braces and no colons (schemas/).

/** The record of a job. The Lua scripts find the keys beside it by their common beginning. */
export const recordKey = (prefix: string, id: string): string => `${prefix}:{${id}}:job`;

/** A job's request: a hash of `head` and the body's chunks `0`, `1`, … */
export const requestKey = (prefix: string, id: string): string => `${prefix}:{${id}}:req`;

/** One attempt's response, laid out like the request. `result` is `RUN.ATTEMPT`. */
export const responseKey = (prefix: string, id: string, result: string): string =>
  `${prefix}:{${id}}:res:${result}`;

/** Channel on which the settling of a job is told, in the job's slot (jobs/lua/record.lua). */
export const settledChannel = (prefix: string, id: string): string => `${prefix}:{${id}}:settled`;

/** That a job was polled a moment ago: a string that lives as long as the route's floor. */
export const polledKey = (prefix: string, id: string): string => `${prefix}:{${id}}:polled`;

/** That the marker of a re-entered request was used: a string that lives as long as the marker (loopback/loopback-token.ts). */
export const loopbackKey = (prefix: string, id: string, nonce: string): string =>
  `${prefix}:{${id}}:loopback:${nonce}`;

/** The mark of a job that was made under an idempotency key: a string that outlives the record (queue/lua/acknowledge.lua). */
export const createdKey = (prefix: string, id: string): string => `${prefix}:{${id}}:created`;

/** Which job an idempotency key stands for. `key` is a hash: it tells neither caller nor key. */
export const claimKey = (prefix: string, queue: string, key: string): string =>
  `${prefix}:{${queue}}:idem:${key}`;

/** The record of a job as it settled, for whoever is to be told: with a TTL of a little more than a day. */
export const callbackKey = (prefix: string, id: string): string => `${prefix}:{${id}}:callback`;

/** Jobs whose settling is to be told: sorted set, score = when a worker looks (ms). */
export const callbacksKey = (prefix: string, queue: string): string => `${prefix}:{${queue}}:callbacks`;

/** Places of waiting jobs: sorted set, score = when the place falls free by itself (ms). */
export const slotsKey = (prefix: string, queue: string): string => `${prefix}:{${queue}}:slots`;

/** Jobs that have not settled: sorted set, score = deadline (ms). What the sweep goes through. */
export const openJobsKey = (prefix: string, queue: string): string => `${prefix}:{${queue}}:open`;

/** When the bytes of the bodies that a queue stores go by themselves: sorted set of job IDs (queue/lua/stored.lua). */
export const storedKey = (prefix: string, queue: string): string => `${prefix}:{${queue}}:stored`;

/** How many bytes they are: hash by job ID, with their `total`. */
export const storedBytesKey = (prefix: string, queue: string): string => `${prefix}:{${queue}}:bytes`;

/** Whose turn it is in a queue: hash of `now`, `floor` and `max` (queue/lua/reserve.lua). */
export const ranksKey = (prefix: string, queue: string): string => `${prefix}:{${queue}}:ranks`;

/** A caller's last turn in a queue. `caller` is a hash: it names nobody. */
export const callerRankKey = (prefix: string, queue: string, caller: string): string =>
  `${prefix}:{${queue}}:rank:${caller}`;

/** A caller's unsettled jobs in a queue: sorted set, score = when one falls out by itself (ms). */
export const callerJobsKey = (prefix: string, queue: string, caller: string): string =>
  `${prefix}:{${queue}}:caller:${caller}`;

/** Dead letters of a queue: sorted set, score = when the record goes (ms). */
export const deadLettersKey = (prefix: string, queue: string): string => `${prefix}:{${queue}}:dead`;

/**
 * A run of a job that was redriven, named by the `expires_at` that its record had: with a TTL. A late leave of that run
 * changes nothing (queue/lua/remove_job.lua); each run has a key of its own, so that the next redrive leaves it standing.
 */
export const redrivenKey = (prefix: string, queue: string, id: string, expiresAt: number): string =>
  `${prefix}:{${queue}}:redriven:${id}:${String(expiresAt)}`;

/** The circuit breaker of a queue: queue/lua/breaker.lua. */
export const breakerKey = (prefix: string, queue: string): string => `${prefix}:{${queue}}:breaker`;

/** The hold of a queue: a string, its reason, that lives as long as it (queue/queue-pause.ts). */
export const pauseKey = (prefix: string, queue: string): string => `${prefix}:{${queue}}:pause`;

/** Settings in force on a queue: sorted set of content hashes, score = when the announcement lapses (ms). */
export const queueSettingsKey = (prefix: string, queue: string): string => `${prefix}:{${queue}}:settings`;

/** Which worker process sweeps the queue: a string with a TTL. */
export const sweepLockKey = (prefix: string, queue: string): string => `${prefix}:{${queue}}:sweeper`;

/** Queues that have been announced: sorted set, score = when the announcement lapses (ms). */
export const queuesKey = (prefix: string): string => `${prefix}:queues`;

/** Settings that jobs were accepted under, by content hash: a JSON text without secrets. */
export const settingsKey = (prefix: string, hash: string): string => `${prefix}:settings:${hash}`;

/** Channel on which announcements and cancellations reach the workers. */
export const controlChannel = (prefix: string): string => `${prefix}:control`;

/** BullMQ's jobs of a queue that may start, in their order: sorted set. All of ours have a priority. */
export const bullWaitingKey = (prefix: string, queue: string): string =>
  `${bullPrefix(prefix, queue)}:${queue}:prioritized`;

/** BullMQ's limiter of a queue: a string, the starts of its window. */
export const bullLimiterKey = (prefix: string, queue: string): string =>
  `${bullPrefix(prefix, queue)}:${queue}:limiter`;

/** Prefix of BullMQ's keys of a queue: BullMQ adds `:NAME:…`. */
export const bullPrefix = (prefix: string, queue: string): string => `${prefix}:{${queue}}`;

/** BullMQ's own key of a job: it is there as long as BullMQ knows the job. */
export const bullJobKey = (prefix: string, queue: string, id: string): string =>
  `${bullPrefix(prefix, queue)}:${queue}:${id}`;
