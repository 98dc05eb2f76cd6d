// `cancel`: cancels a job as a DELETE by its owner does.
import { isSettled } from '../../plugins/async-request-reply/jobs/job-record';
import type { AdminContext } from './admin-context';
import { shownId, shownIdInTable, resolveJobId } from './job-view';
import { planned, type Consent } from './consent';
import { notFound, type ExitCode, type Report } from './report';
import { findJob } from './select-jobs';

export async function cancelJob(
  context: AdminContext,
  text: string,
  consent: Consent,
  fullIds: boolean,
): Promise<Report> {
  const id = await resolveJobId(context, text);
  const job = await findJob(context, id);
  if (job === undefined) {
    throw notFound('No such job.');
  }
  const { owner, state } = job.record;
  const name = shownIdInTable(id, owner, fullIds);
  const describe = (exitCode: ExitCode, outcome: string, sentence: string): Report => ({
    exitCode,
    json: { id: shownId(id, owner, fullIds), outcome },
    text: () => sentence,
  });
  if (isSettled(state)) {
    return describe(1, state, `Job ${name} is already settled: ${state}.`);
  }
  if (!consent.isGiven) {
    return planned(consent, { id: shownId(id, owner, fullIds), state }, `cancel job ${name} (${state})`);
  }
  const outcome = await context.access.cancel(job.record);
  switch (outcome.kind) {
    case 'settled-now':
      return describe(0, 'cancelled', `Job ${name} is cancelled.`);
    case 'cancelling':
      return describe(0, 'cancelling', `Job ${name} is running. Its worker was notified to cancel it.`);
    case 'already-settled':
      return describe(1, outcome.state, `Job ${name} is already settled: ${outcome.state}.`);
    case 'missing':
      throw notFound('The job no longer exists.');
  }
}
