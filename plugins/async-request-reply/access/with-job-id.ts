// Refusals of whoever may see a job: they carry its ID, as every answer about a known job does.
import { AsyncError } from '../errors/async-error';
import { problemReply } from '../errors/problem-reply';
import type { Reply } from '../http/reply';
import { jobHeaders } from './job-headers';
import type { RouteSettings } from './route/route-settings';

/** What `work` answers, or the problem in its place; what is not the client's doing is thrown on. */
export async function withJobId(
  id: string,
  settings: RouteSettings,
  work: () => Promise<Reply>,
): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AsyncError && error.status < 500) {
      return problemReply(error, jobHeaders(settings, id));
    }
    throw error;
  }
}
