// A client as a third party would write it: from the contract alone (docs/http.md), with `fetch` and no code of the plugin.

interface Outcome {
  readonly status: number;
  readonly body: string;
  /** Of the problem, where the answer is one. */
  readonly problem: string | undefined;
  readonly jobId: string | undefined;
}

/** Longer than any job here takes. */
const GIVE_UP_MS = 60_000;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function outcomeOf(response: Response): Promise<Outcome> {
  const body = await response.text();
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') ?? false;
  return {
    status: response.status,
    body,
    problem: isProblem ? (JSON.parse(body) as { type: string }).type : undefined,
    jobId: response.headers.get('x-async-kong-id') ?? undefined,
  };
}

const retryAfterMs = (response: Response): number => Number(response.headers.get('retry-after') ?? 1) * 1000;

/** Sends a request and waits for its real answer, by the status URL of the 202 where there is one, else by the header. */
export async function call(url: string, init: RequestInit = {}): Promise<Outcome> {
  const submitted = await fetch(url, { ...init, redirect: 'manual' });
  if (submitted.status !== 202) {
    return outcomeOf(submitted);
  }
  const location = submitted.headers.get('location');
  const id = submitted.headers.get('x-async-kong-id');
  await submitted.body?.cancel();
  await wait(Math.min(retryAfterMs(submitted), 1000));
  const { method = 'GET' } = init;
  const headers = { ...(init.headers as Record<string, string>), 'X-Async-Kong-Id': id ?? '' };
  return location === null
    ? pollByHeader(url, method, headers)
    : pollStatus(new URL(location, url).href, init);
}

async function pollStatus(statusUrl: string, { headers }: RequestInit): Promise<Outcome> {
  const until = performance.now() + GIVE_UP_MS;
  for (;;) {
    const response = await fetch(statusUrl, { redirect: 'manual', ...(headers && { headers }) });
    if (response.status === 303) {
      await response.body?.cancel();
      const result = new URL(response.headers.get('location') ?? '', statusUrl);
      return outcomeOf(await fetch(result, headers ? { headers } : {}));
    }
    const isOpen = response.status === 200 && response.headers.has('retry-after');
    if (!isOpen || performance.now() > until) {
      return outcomeOf(response);
    }
    await response.body?.cancel();
    await wait(retryAfterMs(response));
  }
}

async function pollByHeader(url: string, method: string, headers: Record<string, string>): Promise<Outcome> {
  const until = performance.now() + GIVE_UP_MS;
  for (;;) {
    const response = await fetch(url, { method, headers });
    if (response.status !== 202 || performance.now() > until) {
      return outcomeOf(response);
    }
    await response.body?.cancel();
    await wait(retryAfterMs(response));
  }
}
