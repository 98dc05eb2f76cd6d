// One switch for each point of the program on which the invariants depend. The specs switch them off
// one by one, and check that the explorer finds a violation.

export interface RecordRules {
  /** create.lua: writes nothing if a record or a tombstone exists. */
  readonly createRespectsTombstone: boolean;
  /** cancel.lua: a rollback that arrives before the submit leaves a tombstone. */
  readonly rollbackLeavesTombstone: boolean;
  /** advance.lua: a lease that has not expired is respected. */
  readonly leaseWaitsForTheLast: boolean;
  /** advance.lua: a lost call that may not be repeated fails the job. */
  readonly lostCallRespectsRepeatable: boolean;
  /** advance.lua: the job expires only if no call was made. Otherwise it settles as one that ran. */
  readonly expiresOnlyWhatNeverRan: boolean;
  /** settle.lua: the token must be the record's. */
  readonly settleChecksToken: boolean;
  /** settle.lua: a job that is being cancelled settles as cancelled, whatever the attempt reports. */
  readonly settleHeedsCancel: boolean;
}

/** The writes of queue/redrive-job.ts; `reopen` there is `fence` and `reopen` here. */
export type RedriveStep =
  'reserve' | 'fence' | 'reopen' | 'script' | 'schedule' | 'add-job' | 'remove-dead-letter';

export interface Rules extends RecordRules {
  /** access-store.ts: the record is written before the job is scheduled. */
  readonly recordBeforeScheduler: boolean;
  /** access-store.ts: the 202 is sent after the last write. */
  readonly answersLast: boolean;
  /** job-store.ts: a request and its TTL are written in one step. */
  readonly requestHasTtlAtOnce: boolean;
  /** attempt.ts: the response is stored before the record names it. */
  readonly storesBeforeSettling: boolean;
  /** lease.ts: a call ends before its lease can expire. */
  readonly watchdog: boolean;
  /** attempt.ts: the worker reads its clock right before the call, and makes no call if the lease has expired. */
  readonly clockBeforeCall: boolean;
  /** attempt.ts, retry-policy.ts: a call that may have reached the upstream is repeated only if the request is repeatable. */
  readonly repeatsOnlyTheRepeatable: boolean;
  /** sweeper.ts: an open job that BullMQ does not have is scheduled again. */
  readonly sweepReschedules: boolean;
  /** sweeper.ts: a job that is past its deadline is settled, and a settled one leaves the queue. */
  readonly sweepSettlesOverdue: boolean;
  /** The sweeper respects the delay that the caller requested. */
  readonly sweepKeepsDelay: boolean;
  /** remove_job.lua: the removal of an earlier run changes nothing after a redrive. */
  readonly fenceStopsLateRemoval: boolean;
  /** Each redriven run has a fence of its own: a second redrive does not lift the first one's. */
  readonly fencePerRun: boolean;
  readonly redriveOrder: readonly RedriveStep[];
}

/** The program as it is. The specs switch each rule off and check what would happen. */
export const RULES: Rules = {
  createRespectsTombstone: true,
  rollbackLeavesTombstone: true,
  leaseWaitsForTheLast: true,
  lostCallRespectsRepeatable: true,
  settleChecksToken: true,
  settleHeedsCancel: true,
  recordBeforeScheduler: true,
  answersLast: true,
  storesBeforeSettling: true,
  watchdog: true,
  repeatsOnlyTheRepeatable: true,
  sweepReschedules: true,
  sweepSettlesOverdue: true,
  requestHasTtlAtOnce: true,
  clockBeforeCall: true,
  expiresOnlyWhatNeverRan: true,
  sweepKeepsDelay: true,
  fenceStopsLateRemoval: true,
  fencePerRun: true,
  redriveOrder: ['reserve', 'fence', 'reopen', 'script', 'schedule', 'add-job', 'remove-dead-letter'],
};
