// The exchange that the demo shows and checks, step by step, with nothing but fetch.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** Tells the reader: a heading, or lines of the exchange. */
export interface Narrator {
  step(title: string): void;
  request(text: string): void;
  response(response: Response, note?: string): void;
}

const POLL_MS = 500;
const MAX_POLLS = 60;

/**
 * Runs the exchange against a gateway with kong/kong.yml.
 *
 * @throws with a sentence where anything is not as it should be.
 */
export async function runExchange(url: string, tell: Narrator): Promise<void> {
  tell.step('Submit: the upstream takes 2 seconds, the answer does not');
  const submitted = await submit(url, '/reports/2026', tell);
  tell.step('Poll with the ID until the real response is there');
  const replayed = await poll(url, '/reports/2026', submitted.id, tell);
  check(replayed.headers.get('x-demo-upstream') === 'slow', 'the header of the upstream is replayed');
  const body = (await replayed.json()) as { method: string; body_bytes: number; job_id: string };
  check(body.method === 'POST' && body.body_bytes === 18, 'the upstream saw the request as it was sent');
  check(body.job_id === submitted.id, 'the upstream was told the job ID');

  tell.step('The same by the status URL of the 202');
  const status = await fetch(new URL(submitted.location, url), { redirect: 'manual' });
  tell.request(`GET ${submitted.location}`);
  tell.response(status);
  check(status.status === 303, 'the status URL of a completed job redirects to its result');

  tell.step('A binary body, byte for byte');
  const binary = await submit(url, '/reports/picture?bytes=65536&seconds=1', tell);
  const picture = await poll(url, '/reports/picture', binary.id, tell);
  const digest = createHash('sha256')
    .update(new Uint8Array(await picture.arrayBuffer()))
    .digest('base64');
  check(
    picture.headers.get('repr-digest') === `sha-256=:${digest}:`,
    "the SHA-256 of the replay is the upstream's",
  );

  tell.step('An ID that nobody has');
  const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';
  tell.request(`GET /reports/2026   X-Async-Kong-Id: ${unknown}`);
  const nothing = await fetch(`${url}/reports/2026`, { headers: { 'X-Async-Kong-Id': unknown } });
  tell.response(nothing);
  check(nothing.status === 410 || nothing.status === 404, 'there is nothing for it');
}

async function submit(url: string, path: string, tell: Narrator): Promise<{ id: string; location: string }> {
  tell.request(`POST ${path}`);
  const response = await fetch(url + path, { method: 'POST', body: '{"report":"2026"}\n' });
  tell.response(response, await response.text());
  const id = response.headers.get('x-async-kong-id');
  const location = response.headers.get('location');
  check(response.status === 202, 'the request is accepted at once');
  if (id === null || location === null) {
    throw new Error('the 202 lacks X-Async-Kong-Id or Location');
  }
  return { id, location };
}

async function poll(url: string, path: string, id: string, tell: Narrator): Promise<Response> {
  for (let polls = 0; polls < MAX_POLLS; polls += 1) {
    tell.request(`GET ${path}   X-Async-Kong-Id: ${id}`);
    const response = await fetch(url + path, { headers: { 'X-Async-Kong-Id': id } });
    tell.response(response);
    if (response.status !== 202) {
      check(response.status === 200, "the response is the upstream's");
      return response;
    }
    await response.text();
    await delay(POLL_MS);
  }
  throw new Error('the job did not settle');
}

function check(isTrue: boolean, fact: string): void {
  if (!isTrue) {
    throw new Error(`not so: ${fact}`);
  }
}
