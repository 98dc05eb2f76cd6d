// A page in a real Chromium that calls the gateway across origins, by the recipe of docs/browsers.md and with its code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'puppeteer-core';
import { parse } from 'yaml';
import { Browser } from '../helpers/browser';
import { strangeJobId } from '../helpers/job-ids';
import { Latch } from '../helpers/latch';
import { startStack, type Stack } from '../helpers/stack';
import { kongConfig } from '../helpers/stack/kong-config';
import { heldBy, reply, replyJson } from '../helpers/upstream/answers';
import { useResources } from '../helpers/use-resources';

const KEY = 'alice-key';

interface Plugin {
  name: string;
  config?: Record<string, unknown>;
}

interface Recipe {
  services: { url: string; routes: { name: string; paths: string[]; plugins: Plugin[] }[] }[];
}

const root = (path: string): string => readFileSync(join(__dirname, '../..', path), 'utf8');
const block = (language: string): string =>
  new RegExp(`\`\`\`${language}\\n([^\`]*)\`\`\``).exec(root('docs/browsers.md'))?.[1] ?? '';

/** The recipe on this machine: with a page of ours for `https://app.example`. */
function recipe(stack: Stack, origin: string): Recipe {
  const { services } = parse(block('yaml')) as Recipe;
  const redis = { host: stack.redis.host, port: stack.redis.port, key_prefix: stack.keyPrefix };
  const change = ({ name, config }: Plugin): Plugin => {
    switch (name) {
      case 'cors':
        return { name, config: { ...config, origins: [origin] } };
      case 'async-request-reply':
        return { name, config: { ...config, redis } };
      case 'post-function':
        return { name, config: { access: [root('kong/fail-closed.lua')] } };
      default:
        return { name, ...(config && { config }) };
    }
  };
  return {
    services: services.map((service) => ({
      ...service,
      url: stack.upstream.url,
      routes: service.routes.map((route) => ({ ...route, plugins: route.plugins.map(change) })),
    })),
  };
}

let stack: Stack;
let browser: Browser;
let page: Page;

useResources(async (resources) => {
  stack = await resources.use(startStack({ routes: [] }), (started) => started.close());
  browser = await resources.use(Browser.start(), (started) => started.stop());
  const { services } = recipe(stack, browser.origin());
  const redis = { host: stack.redis.host, port: stack.redis.port, key_prefix: stack.keyPrefix };
  const origins = [browser.origin()];
  const others = kongConfig(
    {
      routes: [
        { name: 'unexposed', plugins: [{ name: 'cors', config: { origins } }] },
        { name: 'bare' },
        {
          name: 'templated',
          config: { status_url: '/jobs/{id}', queue: { name: 'shared' } },
          plugins: services[0]?.routes[0]?.plugins.filter(({ name }) => name === 'cors') ?? [],
        },
        {
          name: 'jobs',
          config: { intercept: 'never', status_url: '/jobs/{id}', poll_queues: ['shared'] },
          plugins: services[0]?.routes[0]?.plugins.filter(({ name }) => name === 'cors') ?? [],
        },
      ],
      shared: { redis },
    },
    stack.upstream.url,
  ) as { services: object[] };
  await stack.gateway.applyConfig({
    _format_version: '3.0',
    services: [...services, ...others.services],
    consumers: [{ username: 'alice', keyauth_credentials: [{ key: KEY }] }],
  });
  page = await open();
});

/** A page with the code of docs/browsers.md. */
async function open(origin?: string): Promise<Page> {
  const opened = await browser.open(origin);
  await opened.addScriptTag({ content: block('js') });
  return opened;
}

/** What a page sees of an answer; `failed` where the browser keeps it from the page. */
interface Seen {
  readonly status: number | 'failed';
  readonly isRedirected: boolean;
  readonly url: string;
  readonly fields: Record<string, string>;
  readonly text: string;
}

type Carrier = (url: string, init: RequestInit) => Promise<Response>;

/** Calls the gateway out of the page: with fetch, or with the documented function. */
function call(path: string, init: RequestInit = {}, { by = 'fetch', from = page } = {}): Promise<Seen> {
  return from.evaluate(
    async (url, options, name): Promise<Seen> => {
      try {
        const carrier = (globalThis as unknown as Record<string, Carrier>)[name] as Carrier;
        const response = await carrier(url, options);
        const { status, redirected: isRedirected } = response;
        const fields = Object.fromEntries(response.headers.entries());
        return { status, isRedirected, url: response.url, fields, text: await response.text() };
      } catch {
        return { status: 'failed', isRedirected: false, url, fields: {}, text: '' };
      }
    },
    stack.gateway.proxyUrl + path,
    init,
    by,
  );
}

const submission: RequestInit = {
  method: 'POST',
  body: '{"a":1}',
  headers: { apikey: KEY, 'Content-Type': 'application/json', 'X-Mine': 'kept' },
};
const asAlice = { headers: { apikey: KEY } };
const jobs = async (): Promise<string[]> =>
  (await stack.redis.keys()).filter((key) => key.endsWith(':job')).sort();

test('a page submits, polls and follows the 303 to the result, across origins', async () => {
  const latch = new Latch();
  const made = replyJson({ made: true }, { status: 201, headers: { ETag: '"1"' } });
  stack.upstream.script('/reports/a', heldBy(latch, made));
  const accepted = await call('/reports/a', submission);
  const [request] = await stack.upstream.called('/reports/a');
  const status = String(accepted.fields['location']);
  const running = await call(status, asAlice);
  latch.open();
  const id = String(accepted.fields['x-async-kong-id']);
  await stack.client.request(`${status}`, { headers: { apikey: KEY, Prefer: 'wait=20' } });
  const result = await call(status, asAlice);

  expect([accepted.status, running.status, result.status]).toEqual([202, 200, 201]);
  expect(status).toBe(`/reports/a?async-id=${id}`);
  expect([accepted.fields['retry-after'], running.fields['x-async-kong-id']]).toEqual(['1', id]);
  expect(JSON.parse(running.text)).toMatchObject({ id, state: 'running' });
  expect([request?.method, request?.body.toString(), request?.header('X-Mine')]).toEqual([
    'POST',
    '{"a":1}',
    'kept',
  ]);
  expect([result.isRedirected, result.url]).toEqual([
    true,
    `${stack.gateway.proxyUrl}${status}&async-view=result`,
  ]);
  expect([result.text, result.fields['etag'], result.fields['x-async-kong-id']]).toEqual([
    '{"made":true}',
    '"1"',
    id,
  ]);
});

test.each([
  ['small', 10],
  ['large', 300_000],
])('the documented function runs a job with a %s result', async (name, bytes) => {
  stack.upstream.script(`/reports/${name}`, reply({ body: 'x'.repeat(bytes) }));
  const result = await call(`/reports/${name}`, submission, { by: 'carryOut' });

  expect([result.status, result.isRedirected, result.text.length]).toEqual([200, true, bytes]);
});

test('a page cancels a job with DELETE on its status URL', async () => {
  const latch = new Latch();
  stack.upstream.script('/reports/b', heldBy(latch, reply()));
  const { fields } = await call('/reports/b', submission);
  await stack.upstream.called('/reports/b');
  const status = String(fields['location']);
  const cancelled = await call(status, { ...asAlice, method: 'DELETE' });
  await stack.client.request(status, { headers: { apikey: KEY, Prefer: 'wait=20' } });
  const seen = await call(status, asAlice);
  latch.open();

  expect([cancelled.status, seen.status, seen.isRedirected]).toEqual([202, 200, false]);
  expect(JSON.parse(seen.text)).toMatchObject({ state: 'cancelled' });
});

test('a page polls on a route for polls as well, with cors there too', async () => {
  const result = await call('/templated/a', { ...submission }, { by: 'carryOut' });

  expect([result.status, new URL(result.url).pathname]).toEqual([
    200,
    expect.stringMatching(/^\/jobs\/[0-9a-f-]{36}\/result$/),
  ]);
});

test.each([
  ['the submit', '/reports/c', 'POST'],
  ['the status URL', `/reports/c?async-id=${strangeJobId()}`, 'DELETE'],
  ['the result URL', `/reports/c?async-id=${strangeJobId()}&async-view=result`, 'GET'],
  ['a status URL of a template', `/jobs/${strangeJobId()}`, 'DELETE'],
])('Kong answers a preflight of %s itself: no job, nothing at the upstream', async (_what, path, method) => {
  const before = await jobs();
  const response = await stack.request(path, {
    method: 'OPTIONS',
    headers: {
      Origin: browser.origin(),
      'Access-Control-Request-Method': method,
      'Access-Control-Request-Headers': 'apikey,x-async-kong-id,prefer',
    },
  });

  expect([response.status, response.text]).toEqual([200, '']);
  expect(response.header('Access-Control-Allow-Origin')).toBe(browser.origin());
  expect(response.header('Access-Control-Allow-Methods')?.split(',')).toContain(method);
  expect(response.header('Access-Control-Allow-Headers')).toBe('apikey,x-async-kong-id,prefer');
  expect(response.header('X-Async-Kong-Id')).toBeUndefined();
  expect(await jobs()).toEqual(before);
  expect(stack.upstream.requests.filter(({ method: seen }) => seen === 'OPTIONS')).toEqual([]);
});

test('without exposed headers a page sees the 202, and neither ID nor Location nor Retry-After', async () => {
  const { status, fields, text } = await call('/unexposed/a', submission);

  expect([status, JSON.parse(text)]).toMatchObject([202, { state: 'queued' }]);
  expect(Object.keys(fields).sort()).toEqual(['cache-control', 'content-length', 'content-type']);
});

test.each([
  ['without cors', '/bare/a', '127.0.0.1'],
  ['from an origin that is not on the list', '/reports/d', 'localhost'],
] as const)(
  '%s the browser does not let a page submit, and no job is accepted',
  async (_what, path, host) => {
    const before = await jobs();
    const stranger = await open(browser.origin(host));
    const seen = await call(path, submission, { from: stranger });
    await stranger.close();

    expect(seen.status).toBe('failed');
    expect(await jobs()).toEqual(before);
    expect(stack.upstream.callsTo(path)).toEqual([]);
  },
);
