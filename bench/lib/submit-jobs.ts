import type { Gateway } from '../../spec/helpers/gateway';
import { sendMany } from './send-many';

const CONNECTIONS = 50;

interface Submits {
  readonly count: number;
  readonly path: string;
  readonly headers?: Record<string, string>;
  /** With it they are POSTs. */
  readonly body?: string;
}

/** Submits so many jobs, all alike, over fifty connections. @returns their IDs @throws when one is not accepted */
export async function submitJobs(gateway: Gateway, submits: Submits): Promise<string[]> {
  const { count, body, ...request } = submits;
  const ids: string[] = [];
  await sendMany(gateway.proxyUrl, {
    count,
    connections: CONNECTIONS,
    request: () => ({ ...request, ...(body !== undefined && { method: 'POST' as const, body }) }),
    onAnswer: ({ status, header, body: text }) => {
      const id = header('x-async-kong-id');
      if (status !== 202 || id === undefined) {
        throw new Error(`a submit got ${status}: ${text.toString()}`);
      }
      ids.push(id);
    },
  });
  return ids;
}
