// A client that sends an exact number of requests over a few connections. wrk can only limit the duration.
import { Pool } from 'undici';

interface Answer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
}

interface ManyRequests {
  readonly count: number;
  readonly connections: number;
  readonly request: (index: number) => {
    readonly method?: 'GET' | 'POST';
    readonly path: string;
    readonly headers?: Record<string, string>;
    readonly body?: string;
  };
  /** Sees every answer. What it throws ends the sending. */
  readonly onAnswer: (answer: Answer, index: number) => void;
}

/** @throws when a request gets no answer, or `onAnswer` does not like it */
export async function sendMany(url: string, requests: ManyRequests): Promise<void> {
  const pool = new Pool(url, { connections: requests.connections });
  let next = 0;
  const sendOn = async (): Promise<void> => {
    while (next < requests.count) {
      const index = next++;
      const { method = 'GET', ...request } = requests.request(index);
      const answer = await pool.request({ method, ...request });
      const body = Buffer.from(await answer.body.arrayBuffer());
      const header = (name: string): string | undefined => String(answer.headers[name] ?? '') || undefined;
      requests.onAnswer({ status: answer.statusCode, header, body }, index);
    }
  };
  try {
    await Promise.all(Array.from({ length: requests.connections }, sendOn));
  } finally {
    await pool.destroy();
  }
}
