// `queues`, `pause` and `resume`: lists, pauses and resumes queues.
import type { AdminContext } from './admin-context';
import { queueText } from './queue-text';
import { setQueuePaused, summarizeQueues, type QueueSummary } from './queue-summary';
import { notFound, type Report } from './report';
import { sizeText } from './size-text';
import { table } from './table';

export async function listQueues(context: AdminContext): Promise<Report> {
  const { queues, nowMs } = await summarizeQueues(context);
  return {
    exitCode: 0,
    json: { queues },
    text: () => (queues.length === 0 ? 'No queue is registered.' : queuesTable(queues, nowMs)),
  };
}

const yesNo = (is: boolean): string => (is ? 'yes' : 'no');

const pauseText = (pause: QueueSummary['auto_pause'], nowMs: number): string =>
  pause === undefined ? '-' : `${String(Math.ceil((pause.until - nowMs) / 1000))} s (${pause.reason})`;

const queuesTable = (queues: readonly QueueSummary[], nowMs: number): string =>
  table(
    [
      'QUEUE',
      '>OPEN',
      '>WAITING',
      '>ACTIVE',
      '>DELAYED',
      '>DEAD',
      '>STORED',
      'PAUSED',
      'PAUSE',
      'BREAKER',
      'SERVED',
      '>CONCURRENCY',
      'RATE',
    ],
    queues.map((one) => [
      queueText(one.queue, one.service),
      String(one.open),
      String(one.waiting),
      String(one.active),
      String(one.delayed),
      String(one.dead),
      sizeText(one.stored_bytes),
      yesNo(one.paused),
      pauseText(one.auto_pause, nowMs),
      one.breaker,
      yesNo(one.served),
      one.concurrency === undefined ? '-' : String(one.concurrency),
      one.rate ?? '-',
    ]),
  );

export async function setPaused(context: AdminContext, queue: string, paused: boolean): Promise<Report> {
  if ((await setQueuePaused(context, queue, paused)) === 'no-such-queue') {
    throw notFound(`No such queue: "${queue}".`);
  }
  const sentence = paused
    ? `Queue ${queue} is paused. It still accepts jobs, and running jobs continue, but no job starts.`
    : `Queue ${queue} is resumed.`;
  return { exitCode: 0, json: { queue, paused }, text: () => sentence };
}
