// Queues as people know them: one that is named by an ID, for want of `queue.name`, with what Kong calls its service.
import { registeredSettings } from '../../plugins/async-request-reply/queue/queue-registry';
import type { AdminContext } from './admin-context';

type Redis = Pick<AdminContext, 'redis' | 'keys'>;

/** The name that was announced last for the service (without one, the route) whose ID the queue's name is. */
export async function serviceOf({ redis, keys }: Redis, queue: string): Promise<string | undefined> {
  const settings = await registeredSettings(redis, keys, queue);
  return settings.map(({ service }) => service).findLast((service) => service !== undefined);
}

export const queueText = (queue: string, service: string | undefined): string =>
  service === undefined ? queue : `${queue} (${service})`;

/** Each of these queues with its text; asks for each once. */
export async function queueTexts(context: Redis, queues: Iterable<string>): Promise<Map<string, string>> {
  const texts = [...new Set(queues)].map(async (queue): Promise<[string, string]> => [
    queue,
    queueText(queue, await serviceOf(context, queue)),
  ]);
  return new Map(await Promise.all(texts));
}
