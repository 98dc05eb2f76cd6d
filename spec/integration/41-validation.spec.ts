// docs/http.md, "Request validation": what fails the route's JSON Schema is refused before anything is stored, and what is hard to check
// holds up nothing but itself.
import type { HttpResponse, RequestOptions } from '../helpers/http-client';
import { problemOf } from '../helpers/problem';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const ORDER = {
  type: 'object',
  required: ['item'],
  properties: { item: { type: 'string' }, count: { type: 'integer', minimum: 1 } },
  additionalProperties: false,
};

/** Takes longer than any time limit, for a text of about thirty letters that does not end in one. */
const ENDLESS = { properties: { item: { pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' } } };
const ENDLESS_BODY = JSON.stringify({ item: 'a'.repeat(50) });

const text = (schema: object): string => JSON.stringify(schema);
const patient = { validation_timeout_ms: 10_000 };

const stack = useStack({
  routes: [
    { name: 'order', config: { request: { ...patient, body_schema: text(ORDER) } } },
    {
      name: 'fields',
      config: {
        request: {
          ...patient,
          query_schema: text({ required: ['page'], properties: { page: { type: 'integer' } } }),
          headers_schema: text({ required: ['x-tenant'] }),
        },
      },
    },
    { name: 'endless', config: { request: { ...patient, body_schema: text(ENDLESS) } } },
    { name: 'hasty', config: { request: { validation_timeout_ms: 1, body_schema: text(ENDLESS) } } },
    { name: 'free' },
    { name: 'broken', config: { request: { query_schema: text({ $ref: 'https://example.com/s.json' }) } } },
  ],
});

interface Problem {
  type: string;
  errors: { in: string; pointer: string; keyword: string; message: string }[];
}

const JSON_TYPE = { 'Content-Type': 'application/json' };

const post = (path: string, body: string | Buffer, change: RequestOptions = {}): Promise<HttpResponse> =>
  stack().request(path, { method: 'POST', body, headers: JSON_TYPE, ...change });

const errorsOf = (response: HttpResponse): string[] =>
  response.json<Problem>().errors.map((error) => `${error.in} ${error.pointer} ${error.keyword}`);

test('a body that satisfies the schema is accepted, and arrives as it was sent', async () => {
  const body = ' {"item" : "\\u0061", "count": 1.0} ';
  const { id } = await stack().submit('/order/good', { method: 'POST', body, headers: JSON_TYPE });
  await stack().settled('/order/good', id);
  expect(stack().upstream.callsTo('/order/good')[0]?.body.toString()).toBe(body);
});

test('a body that violates the schema is 400 validation-failed with a pointer for each error, and nothing is stored', async () => {
  const jobs = async (): Promise<number> =>
    (await stack().redis.keys()).filter((key) => key.endsWith(':job')).length;
  const before = await jobs();
  const response = await post('/order/bad', '{"count":0,"more":true}');

  expect(problemOf(response)).toEqual([400, 'validation-failed']);
  expect(response.header('Content-Type')).toBe('application/problem+json');
  expect(response.header('Cache-Control')).toBe('no-store');
  expect(errorsOf(response).sort()).toEqual([
    'body  required',
    'body /count minimum',
    'body /more additionalProperties',
  ]);
  expect(await jobs()).toBe(before);
  expect(stack().upstream.callsTo('/order/bad')).toEqual([]);
});

test('a query and headers that violate their schemas are 400 validation-failed', async () => {
  const response = await stack().request('/fields/a?page=two');
  expect(problemOf(response)).toEqual([400, 'validation-failed']);
  expect(errorsOf(response)).toEqual(['query /page type', 'headers  required']);
  await stack().submit('/fields/a?page=2', { headers: { 'X-Tenant': 'a' } });
});

describe('a body that is not JSON is 400 validation-failed', () => {
  test.each([
    ['nothing', ''],
    ['half of it', '{"item":'],
    ['a member twice', '{"item":"a","item":"b"}'],
    ['a byte order mark', '\ufeff{"item":"a"}'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('%s', async (_what, body) => {
    const response = await post('/order/json', body);
    expect(problemOf(response)).toEqual([400, 'validation-failed']);
    expect(response.json<Problem>().errors[0]?.keyword).toBe('json');
  });

  test('__proto__ is an additional member', async () => {
    expect(errorsOf(await post('/order/json', '{"item":"a","__proto__":{}}'))).toEqual([
      'body /__proto__ additionalProperties',
    ]);
  });

  test('neither the problem nor the log contains the body', async () => {
    const response = await post('/order/json', '{"item":"secret-of-alice" "count"}');
    expect(response.text).not.toContain('secret');
  });
});

describe('a content type other than JSON is 415 unsupported-media-type', () => {
  const body = '{"item":"a"}';

  test.each([
    ['no type', {}],
    ['text/plain', { 'Content-Type': 'text/plain' }],
    ['application/x-www-form-urlencoded', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['application/jsonp', { 'Content-Type': 'application/jsonp' }],
    ['another charset', { 'Content-Type': 'application/json; charset=utf-16' }],
  ])('%s: the problem lists the accepted types', async (_what, headers) => {
    const response = await post('/order/type', body, { headers });
    expect(problemOf(response)).toEqual([415, 'unsupported-media-type']);
    expect(response.header('Accept')).toBe('application/json, application/*+json');
  });

  test('a content coding is rejected', async () => {
    const response = await post('/order/type', body, {
      headers: { ...JSON_TYPE, 'Content-Encoding': 'gzip' },
    });
    expect(problemOf(response)).toEqual([415, 'unsupported-media-type']);
    expect(response.header('Accept-Encoding')).toBe('identity');
  });

  test.each([
    'application/json;charset=utf-8',
    'Application/JSON',
    'application/problem+json',
    'application/vnd.a.b-c+json; v=1',
  ])('%s is JSON', async (type) => {
    expect((await post('/order/type', body, { headers: { 'Content-Type': type } })).status).toBe(202);
  });

  test('requests of methods without content need neither', async () => {
    expect((await stack().request('/order/type')).status).toBe(202);
    expect((await stack().request('/order/type', { method: 'DELETE' })).status).toBe(202);
  });
});

test('other requests are served while one validation does not end, also those that need validation', async () => {
  const endless = await until('others to be answered before it', async () => {
    const checking = post('/endless/a', ENDLESS_BODY);
    let isOver = false;
    const watched = checking.finally(() => (isOver = true));
    expect((await stack().request('/free/a')).status).toBe(202);
    expect((await post('/order/meanwhile', '{"item":"a"}')).status).toBe(202);
    expect((await post('/order/meanwhile', '{}')).status).toBe(400);
    return isOver ? (await watched, null) : { response: watched };
  });

  expect(problemOf(await endless.response)).toEqual([503, 'validation-timeout']);
  expect((await endless.response).header('Retry-After')).toBe('1');
});

test('a validation that exceeds its time limit is 503 validation-timeout, and the next request finds a thread', async () => {
  const responses = await stack().client.crowd(Array<string>(10).fill('/hasty/a'), () => ({
    method: 'POST',
    body: ENDLESS_BODY,
    headers: JSON_TYPE,
  }));
  expect(responses.map(problemOf)).toEqual(Array(10).fill([503, 'validation-timeout']));
  expect((await post('/order/after', '{"item":"a"}')).status).toBe(202);
});

test('a body of 200,000 levels is rejected like any other', async () => {
  const response = await post('/order/deep', '['.repeat(200_000) + ']'.repeat(200_000));
  expect(errorsOf(response)).toEqual(['body  type']);
});

test('a schema that refers to the network fails the configuration, not a request: the log names the field', async () => {
  expect((await stack().request('/broken/a')).status).toBe(500);
  await until('the log to say so', async () =>
    (await stack().gateway.log()).includes('request.query_schema does not compile'),
  );
});

test('a route whose schema is hard to check leaves a thread for the requests of the others', async () => {
  const post = (route: string, body: string): Promise<HttpResponse> =>
    stack().request(`/${route}/fair`, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json' },
    });
  let ended = 0;
  const endless = Array.from({ length: 10 }, () => post('endless', ENDLESS_BODY).finally(() => (ended += 1)));
  const answers: number[] = [];
  for (let at = 0; at < 20; at += 1) {
    answers.push((await post('order', JSON.stringify({ item: 'a' }))).status);
  }

  expect(answers).toEqual(answers.map(() => 202));
  // None of them was over when the others had their answers.
  expect(ended).toBe(0);
  expect((await Promise.all(endless)).map(({ status }) => status)).toEqual(endless.map(() => 503));
});
