// Accepts a job whose body comes as an upload. If the listener closes the connection, nginx sends GET, PUT and DELETE again: every
// request with a ticket that has made a job gets that job.
import type { IncomingMessage } from 'node:http';
import { AsyncError } from '../errors/async-error';
import type { RouteContext } from '../access/access-context';
import type { AcceptCommand } from '../access/gateway-action';
import { jobLinks } from '../access/job-links';
import { acceptJob } from '../access/submit/accept-job';
import { answerAccepted } from '../access/submit/answer-accepted';
import { RequestDigest } from '../access/submit/idempotency';
import type { Reply } from '../http/reply';
import { uploadBody } from './upload-body';

export class JobReceiver {
  /** Uploads that are being received, by job ID. A second request with the same ticket waits for the first. */
  readonly #receiving = new Map<string, Promise<unknown>>();

  /** @throws AsyncError, and UploadAbortedError if the sender closed the connection. */
  async receive(command: AcceptCommand, route: RouteContext, request: IncomingMessage): Promise<Reply> {
    const { id } = command.job;
    for (let first = this.#receiving.get(id); first !== undefined; first = this.#receiving.get(id)) {
      await first.catch(() => undefined);
    }
    const receiving = receive(command, route, request);
    this.#receiving.set(id, receiving);
    try {
      return await receiving;
    } finally {
      this.#receiving.delete(id);
    }
  }
}

async function receive(
  command: AcceptCommand,
  route: RouteContext,
  request: IncomingMessage,
): Promise<Reply> {
  const { settings, store } = route;
  const { job: announced, admission, isPollable, key, line, preferences } = command;
  const { record, rejection } = await store.uploads.expect(announced, admission.maxWaiting);
  if (record !== undefined) {
    return answerAccepted(route, {
      job: record,
      links: isPollable ? jobLinks(announced.id, line, settings) : undefined,
      preferences,
      method: line.method,
      isHandedOff: true,
    });
  }
  // A repeated request needs no slot, and only its body shows whether it is one.
  if (rejection !== undefined && key === undefined) {
    throw rejection;
  }
  const digest = key && new RequestDigest(line);
  const upload = {
    body: uploadBody(request, digest),
    length: lengthOf(request),
    maxBytes: settings.maxRequestBytes,
  };
  const job = await store.uploads.receive({ ...announced, key: settings.keys.first }, upload, admission);
  try {
    return await acceptJob(route, { ...command, job }, digest?.digest());
  } catch (error) {
    if (error instanceof AsyncError && isRejection(error)) {
      await store.uploads.discard(announced).catch(() => undefined);
    }
    throw error;
  }
}

/** Node.js rejects a request whose length is not a number. */
const lengthOf = ({ headers }: IncomingMessage): number | undefined =>
  headers['content-length'] === undefined ? undefined : Number(headers['content-length']);

/** After other errors the job may exist all the same: its rollback deletes the request, too. */
const isRejection = (error: AsyncError): boolean =>
  error.status < 500 || error.code === 'queue-full' || error.code === 'store-full';
