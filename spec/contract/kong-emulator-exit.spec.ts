// What the gateway makes of kong.response.exit, odd as it is; all of it seen on Kong 3.9.3. With KONG_BIN it is seen again.
import { exit, REASONS, refused, types } from './kong-emulator-fixture/exit-cases';
import { calling, type FixtureRoute } from './kong-emulator-fixture/kong-fixture';
import { sendBytes } from './kong-emulator-fixture/raw-exchange';
import { useKongFixture } from './kong-emulator-fixture/use-kong-fixture';

const ARRAY_BODY = [1, [], {}];
/** Named routes, so that one gateway serves the whole file. */
const routes: Record<string, FixtureRoute> = {
  header: exit(200, 'x', {
    X_Under: '1',
    'x-empty': '',
    'x-array': ['a', '', 'b'],
    'x-number': 5,
    'x-flag': true,
    'X-Break': 'a\r\nX-Evil: 1',
    'Set-Cookie': ['a=1', 'b=2'],
    'WWW-Authenticate': ['a', 'b'],
    'Transfer-Encoding': 'chunked',
    Date: 'Thu, 01 Jan 1970 00:00:00 GMT',
    Server: 'mine',
    Via: '1.0 me',
    Age: '3',
  }),
  latin: calling([['response.exit', [200, 'x', { 'x-name': 'café' }]]]),
  object: exit(200, { path: '/a"', list: ARRAY_BODY, flag: true, part: 1.5 }),
  typed: exit(200, { a: 1 }, { 'content-type': 'application/problem+json' }),
  short: exit(200, 'hello', { 'content-length': '2' }),
  lengthless: exit(200, 'hello', { 'content-length': 'abc' }),
  before: calling([
    ['response.setHeaders', [{ 'x-a': '1', 'x-list': ['a', 'b'] }]],
    ['response.addHeader', ['x-a', '2']],
    ['response.clearHeader', ['x-gone']],
    ['response.exit', [204]],
  ]),
  empty204: exit(204, ''),
  full204: exit(204, 'hello', { 'content-type': 'text/plain' }),
  empty304: exit(304, ''),
  nobody404: exit(404),
  nobody403: exit(403),
  nobody418: exit(418),
  nobody302: exit(302),
  empty404: exit(404, ''),
  nil: exit(200, null, { 'x-a': '1' }),
  tagged: exit(200, 'hello', { ETag: '"a"', 'Content-Type': 'text/plain', 'x-a': '1' }),
};

describe('kong.response.exit', () => {
  const numbered = (name: string, list: FixtureRoute[]): [string, FixtureRoute][] =>
    list.map((route, i) => [`${name}-${i}`, route]);
  const fixture = useKongFixture({
    ...routes,
    ...Object.fromEntries([
      ...numbered(
        'refused',
        refused.map(([, route]) => route),
      ),
      ...numbered(
        'type',
        types.map(([type, status]) => exit(status, 'x', { 'content-type': type })),
      ),
      ...numbered(
        'reason',
        REASONS.map(([status]) => exit(status, 'x')),
      ),
      ...numbered(
        'closing',
        [408, 499].map((status) => exit(status, 'x')),
      ),
    ]),
  });

  test('sends header values unchanged, and arrays as repeated fields', async () => {
    const { headers, header } = await fixture.send('header');
    expect(header('X-Under')).toBe('1');
    expect(header('x-number')).toBe('5');
    expect(header('x-flag')).toBe('true');
    expect(headers.filter(([name]) => name === 'x-array').map(([, value]) => value.trim())).toEqual([
      'a',
      '',
      'b',
    ]);
    expect(headers.filter(([name]) => name === 'Set-Cookie')).toHaveLength(2);
    expect(header('Date')).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
    expect(header('Age')).toBe('3');
    expect(header('Via')).toBe('1.0 me');
  });

  test('sends an empty header value as a space', async () => {
    const { headers } = await fixture.send('header');
    expect(headers.find(([name]) => name === 'x-empty')?.[1]).toBe(' ');
  });

  test('sends the last value of a field that nginx stores once', async () => {
    expect((await fixture.send('header')).header('WWW-Authenticate')).toBe('b');
  });

  test('ignores Transfer-Encoding, replaces Server and removes line breaks', async () => {
    const { header } = await fixture.send('header');
    expect(header('Transfer-Encoding')).toBeUndefined();
    expect(header('Server')).toBe('kong/3.9.3');
    expect(header('X-Break')).toBe('a%0D%0AX-Evil: 1');
    expect(header('X-Evil')).toBeUndefined();
  });

  test('sends strings as bytes', async () => {
    expect((await fixture.send('latin')).header('x-name')).toBe(
      Buffer.from('café', 'utf8').toString('latin1'),
    );
  });

  test('sends a table as JSON with an empty table as an object', async () => {
    const { header, body } = await fixture.send('object');
    expect(header('Content-Type')).toBe('application/json; charset=utf-8');
    expect(body).toContain('"path":"/a\\""');
    expect(JSON.parse(body)).toEqual({ path: '/a"', list: [1, {}, {}], flag: true, part: 1.5 });
  });

  test('keeps a given content type of a table', async () => {
    expect((await fixture.send('typed')).header('Content-Type')).toBe('application/problem+json');
  });

  test('computes Content-Length, and keeps a given one even if it is wrong', async () => {
    expect((await fixture.send('object')).header('Content-Length')).toBe(
      String((await fixture.send('object')).body.length),
    );
    expect((await fixture.send('short')).header('Content-Length')).toBe('2');
    const response = await fixture.send('lengthless');
    expect([response.status, response.header('Content-Type')]).toEqual([500, 'text/plain; charset=utf-8']);
  });

  test('sends a 204 without Content-Length if it has no body, and with one if the body is empty', async () => {
    const { header } = await fixture.send('before');
    expect([header('x-a'), header('x-list'), header('Content-Length')]).toEqual(['1, 2', 'a, b', undefined]);
    expect((await fixture.send('empty204')).header('Content-Length')).toBe('0');
  });

  test('sends a 204 without content and type, whatever the body', async () => {
    const { header, body } = await fixture.send('full204');
    expect([header('Content-Length'), header('Content-Type'), body]).toEqual(['5', undefined, '']);
  });

  test('sends a 304 with Content-Length 0', async () => {
    expect((await fixture.send('empty304')).header('Content-Length')).toBe('0');
  });

  test('writes a body for an error without one, in the format that the client accepts', async () => {
    const json = await fixture.send('nobody404', { headers: [['Accept', 'application/json']] });
    expect(JSON.parse(json.body)).toMatchObject({ message: 'Not found' });
    const text = await fixture.send('nobody404');
    expect(text.body).toMatch(/^Not found\nrequest_id: [0-9a-f]{32}\n$/);
    expect(text.header('Content-Type')).toBe('text/plain; charset=utf-8');
    const html = await fixture.send('nobody404', { headers: [['Accept', 'text/html']] });
    expect(html.body).toContain('<p>Not found.</p>');
  });

  test('sends a page of nginx, or nothing, for other statuses without a body', async () => {
    expect((await fixture.send('nobody403')).body).toContain('<title>403 Forbidden</title>');
    expect((await fixture.send('nobody302')).body).toContain('<title>302 Found</title>');
    const teapot = await fixture.send('nobody418');
    expect([teapot.header('Content-Length'), teapot.body]).toEqual(['0', '']);
  });

  test('sends an empty body if it is given', async () => {
    expect((await fixture.send('empty404')).body).toBe('');
  });

  test('drops the headers if the body is missing', async () => {
    expect((await fixture.send('nil')).header('x-a')).toBeUndefined();
  });

  test.each<[string, [string, string], number]>([
    ['If-None-Match with the same tag', ['If-None-Match', 'W/"a"'], 304],
    ['If-None-Match with another tag', ['If-None-Match', '"b"'], 200],
    ['If-None-Match with a star', ['If-None-Match', '*'], 304],
    ['If-Match with the same tag', ['If-Match', '"a"'], 200],
  ])('is evaluated by nginx against the conditions of the request: %s', async (_what, condition, status) => {
    const response = await fixture.send('tagged', { headers: [condition] });
    expect([response.status, response.header('x-a'), response.header('ETag')]).toEqual([status, '1', '"a"']);
    expect(response.body).toBe(status === 200 ? 'hello' : '');
    expect(response.header('Content-Type')).toBe(status === 200 ? 'text/plain; charset=UTF-8' : undefined);
  });

  test('closes the connection without a response if If-Match names another tag', async () => {
    const bytes = 'GET /tagged HTTP/1.1\r\nHost: a\r\nIf-Match: "b"\r\n\r\n';
    expect(await sendBytes(fixture.gateway.proxyPort, bytes)).toBe('');
  });

  test('sends no body to HEAD', async () => {
    const { header, body } = await fixture.send('typed', { method: 'HEAD' });
    expect([header('Content-Length'), body]).toEqual(['7', '']);
  });

  test('adds latency, server and request ID', async () => {
    const { header } = await fixture.send('empty404');
    expect(header('X-Kong-Response-Latency')).toMatch(/^\d+$/);
    expect(header('X-Kong-Request-Id')).toMatch(/^[0-9a-f]{32}$/);
    expect(header('Server')).toBe('kong/3.9.3');
    expect(header('Via')).toBeUndefined();
  });

  test.each(refused.map(([what], i) => [what, i] as const))('responds with 500 for %s', async (_what, i) => {
    const response = await fixture.send(`refused-${i}`);
    expect(response.status).toBe(500);
    expect(JSON.parse(response.body)).toMatchObject({ message: 'An unexpected error occurred' });
  });

  test.each(types.map((row, i) => [...row, i] as const))(
    'sends the type %s with status %i as %s',
    async (...row) => {
      expect((await fixture.send(`type-${row[3]}`)).header('Content-Type')).toBe(row[2]);
    },
  );

  test.each(REASONS.map((row, i) => [...row, i] as const))(
    'sends status %i with the message "%s"',
    async (_status, reason, i) => {
      expect((await fixture.send(`reason-${i}`)).reason).toBe(reason);
    },
  );

  test.each([0, 1])('closes the connection without a response for status %i', async (i) => {
    const { proxyPort } = fixture.gateway;
    expect(await sendBytes(proxyPort, `GET /closing-${i} HTTP/1.1\r\nHost: a\r\n\r\n`)).toBe('');
  });
});
