// Names of queues for people. Without `queue.name` a queue is named by an ID, so the name of its service is added.
import { registeredSettings } from '../../plugins/async-request-reply/queue/queue-registry';
import type { AdminContext } from './admin-context';

type Redis = Pick<AdminContext, 'redis' | 'keys'>;

/** The last registered name of the service (without a service, of the route) whose ID is the queue's name. */
export async function serviceOf({ redis, keys }: Redis, queue: string): Promise<string | undefined> {
  const settings = await registeredSettings(redis, keys, queue);
  return settings.map(({ service }) => service).findLast((service) => service !== undefined);
}

export const queueText = (queue: string, service: string | undefined): string =>
  service === undefined ? queue : `${queue} (${service})`;

/** The text of each of these queues. Reads each queue once. */
export async function queueTexts(context: Redis, queues: Iterable<string>): Promise<Map<string, string>> {
  const texts = [...new Set(queues)].map(async (queue): Promise<[string, string]> => [
    queue,
    queueText(queue, await serviceOf(context, queue)),
  ]);
  return new Map(await Promise.all(texts));
}
