// One switch for each point of the program on which the invariants depend. The specs turn them one by one
// and see that the explorer notices.

export interface RecordRules {
  /** create.lua: nothing is written where a record, or a tombstone, is there. */
  readonly createRespectsTombstone: boolean;
  /** cancel.lua: a submit that is rolled back before it arrived leaves a tombstone. */
  readonly abandonLeavesTombstone: boolean;
  /** advance.lua: a lease that has not expired is respected. */
  readonly leaseWaitsForTheLast: boolean;
  /** advance.lua: a lost call that may not be repeated fails the job. */
  readonly lostCallRespectsRepeatable: boolean;
  /** advance.lua: `expired` only where no call was made; else the job ends as one that ran. */
  readonly expiresOnlyWhatNeverRan: boolean;
  /** settle.lua: the token has to be the record's. */
  readonly settleChecksToken: boolean;
  /** settle.lua: a job that is being cancelled settles so, whatever the attempt says. */
  readonly settleHeedsCancel: boolean;
}

/** The writes of queue/redrive-job.ts; `readmit` there is `fence` and `readmit` here. */
export type RedriveStep = 'reserve' | 'fence' | 'readmit' | 'script' | 'add' | 'enter' | 'revive';

export interface Rules extends RecordRules {
  /** access-store.ts: the record is there before the scheduler knows the job. */
  readonly recordBeforeScheduler: boolean;
  /** access-store.ts: 202 is answered when all is written. */
  readonly answersLast: boolean;
  /** job-store.ts: a request and its TTL come in one step. */
  readonly requestHasTtlAtOnce: boolean;
  /** attempt.ts: the response is stored before the record names it. */
  readonly storesBeforeSettling: boolean;
  /** lease.ts: a call is ended before its lease can be over. */
  readonly watchdog: boolean;
  /** attempt.ts: the worker's clock is asked right before the call, and with the lease over there is none. */
  readonly clockBeforeCall: boolean;
  /** attempt.ts, retry-policy.ts: a call that may have arrived is followed by another only where it may be repeated. */
  readonly repeatsOnlyTheRepeatable: boolean;
  /** sweeper.ts: an open job that the scheduler does not know is scheduled again. */
  readonly sweepReschedules: boolean;
  /** sweeper.ts: a job that is past its deadline, or has settled, is looked after. */
  readonly sweepSettlesOverdue: boolean;
  /** The sweeper respects the delay that the caller requested. */
  readonly sweepKeepsDelay: boolean;
  /** remove_job.lua: the departure of a run that has been redriven changes nothing. */
  readonly fenceStopsLateLeave: boolean;
  /** Each run that was redriven has a fence of its own, so that the next redrive does not lift the last one's. */
  readonly fencePerRun: boolean;
  readonly redriveOrder: readonly RedriveStep[];
}

/** The program as it is. The specs switch each rule off and check what would happen. */
export const RULES: Rules = {
  createRespectsTombstone: true,
  abandonLeavesTombstone: true,
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
  fenceStopsLateLeave: true,
  fencePerRun: true,
  redriveOrder: ['reserve', 'fence', 'readmit', 'script', 'add', 'enter', 'revive'],
};
