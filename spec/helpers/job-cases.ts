// Jobs in each of the states in which a poll can find one. The header X-Owner names their owner.
import type { HttpResponse, RequestOptions } from './http-client';
import { ID_HEADER } from './id-header';
import { strangeJobId } from './job-ids';
import type { Stack } from './stack';
import { until } from './until';
import { hangUp, reply, silence, type Answer } from './upstream/answers';

const OWNER = { 'X-Owner': 'a' };
const STRANGER = { 'X-Owner': 'b' };
const YEAR_MS = 31_536_000_000;

/** A job as a test finds it; `end` lets go of what keeps it so. */
export interface JobCase {
  readonly path: string;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  end(): Promise<void>;
}

export type JobKind =
  | 'queued'
  | 'running'
  | 'retrying'
  | 'completed'
  | 'failed'
  | 'timed out'
  | 'cancelled'
  | 'expired'
  | 'old'
  | 'unknown'
  | 'malformed'
  | "another caller's";

const nothing = (): Promise<void> => Promise.resolve();

/**
 * Makes jobs on the routes `table`; `narrow` and `expiring` (one queue of concurrency 1, the second with a deadline of a second);
 * `later` (a second attempt that never comes) and `slow` (an attempt ends after less than any answer takes).
 */
export class JobCases {
  readonly #stack: () => Stack;
  #count = 0;

  constructor(stack: () => Stack) {
    this.#stack = stack;
  }

  async make(kind: JobKind): Promise<JobCase> {
    switch (kind) {
      case 'queued':
        return this.#behindAnother('narrow');
      case 'running':
        return this.#running('table');
      case 'retrying':
        return this.#retrying();
      case 'completed':
        return this.#settled(await this.#submit('table', reply({ status: 207, body: 'done' })));
      case 'failed':
        return this.#settled(await this.#submit('table', hangUp()));
      case 'timed out':
        return this.#settled(await this.#submit('slow', silence()));
      case 'cancelled': {
        const job = await this.#behindAnother('narrow');
        await this.#cancel(job);
        return job;
      }
      case 'expired':
        return this.#settled(await this.#behindAnother('expiring', 'narrow'));
      case "another caller's":
        return { ...(await this.#submit('table')), headers: STRANGER };
      case 'old':
        return this.#stranger(strangeJobId(Date.now() - YEAR_MS));
      case 'unknown':
        return this.#stranger(strangeJobId());
      case 'malformed':
        return this.#stranger('no-id');
    }
  }

  #stranger(id: string): JobCase {
    return { path: this.#pathOn('table'), id, headers: OWNER, end: nothing };
  }

  #pathOn(route: string): string {
    return `/${route}/${++this.#count}`;
  }

  #ask(target: string, options: RequestOptions = {}): Promise<HttpResponse> {
    return this.#stack().request(target, { headers: OWNER, ...options });
  }

  async #cancel({ path, id }: JobCase): Promise<void> {
    await this.#ask(`${path}?async-id=${id}`, { method: 'DELETE' });
  }

  async #submit(route: string, answer?: Answer): Promise<JobCase> {
    const path = this.#pathOn(route);
    if (answer !== undefined) this.#stack().upstream.script(path, answer);
    const { id } = await this.#stack().submit(path, { method: 'PUT', body: 'secret', headers: OWNER });
    return { path, id, headers: OWNER, end: nothing };
  }

  async #settled(job: JobCase): Promise<JobCase> {
    const headers = { ...OWNER, [ID_HEADER]: job.id };
    await until('the job to settle', async () => (await this.#ask(job.path, { headers })).status !== 202);
    return job;
  }

  /** Runs until it is cancelled. */
  async #running(route: string): Promise<JobCase> {
    const job = await this.#submit(route, silence());
    const [call] = await this.#stack().upstream.called(job.path);
    const end = async (): Promise<void> => {
      await this.#cancel(job);
      await until('the call to be broken off', () => call?.wasAbandoned);
    };
    return { ...job, end };
  }

  async #behindAnother(route: string, blockedBy = route): Promise<JobCase> {
    const blocker = await this.#running(blockedBy);
    const job = await this.#submit(route);
    const end = async (): Promise<void> => {
      await this.#cancel(job);
      await blocker.end();
    };
    return { ...job, end };
  }

  async #retrying(): Promise<JobCase> {
    const job = await this.#submit('later', reply({ status: 503 }));
    const target = `${job.path}?async-id=${job.id}`;
    await until('the job to wait', async () => (await this.#ask(target)).json()['state'] === 'retrying');
    return { ...job, end: () => this.#cancel(job) };
  }
}
