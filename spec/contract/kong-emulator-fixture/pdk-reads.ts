import type { Calls } from './kong-fixture';
import type { RawRequest } from './raw-exchange';

/** Calls that read nginx variables. */
export const variables = (...names: string[]): Calls => names.map((name) => ['nginx.getVar', [name]]);
const json = (body: string): Partial<RawRequest> => ({
  method: 'POST',
  headers: [['Content-Type', 'application/json; charset=utf-8']],
  body,
});
/** A fact, the calls, the request and what the calls return. NAME stands for the route's name. */
export const reads: [fact: string, calls: Calls, request: Partial<RawRequest>, answers: unknown[]][] = [
  [
    'the request line and its parts',
    variables(
      'request',
      'request_method',
      'request_uri',
      'args',
      'is_args',
      'server_protocol',
      'scheme',
      'uri',
    ),
    { method: 'POST', target: '/NAME/a%20b/../c//d?x=1&y=%41' },
    [
      'POST /NAME/a%20b/../c//d?x=1&y=%41 HTTP/1.1',
      'POST',
      '/NAME/a%20b/../c//d?x=1&y=%41',
      'x=1&y=%41',
      '?',
      'HTTP/1.1',
      'http',
      '/NAME/c/d',
    ],
  ],
  [
    'nothing for arguments that are not there, and an empty text for the mark',
    variables('args', 'query_string', 'is_args', 'arg_a'),
    { target: '/NAME?' },
    [null, null, '', null],
  ],
  [
    'header fields by name, several joined',
    variables('http_x_two', 'HTTP_X_TWO', 'http_cookie', 'http_none', 'http_x-two', 'cookie_b'),
    {
      headers: [
        ['X-Two', 'a'],
        ['x-two', 'b'],
        ['X_Two', 'c'],
        ['Cookie', 'a=1'],
        ['Cookie', 'b=2'],
      ],
    },
    ['a, b, c', 'a, b, c', 'a=1; b=2', null, null, '2'],
  ],
  ['nothing for a variable that is not there', variables('nosuch'), {}, [null]],
  ['nothing for a variable whose name is a number', [['nginx.getVar', [5]]], {}, [null]],
  [
    'what Kong will send on, before it is sent',
    variables(
      'upstream_uri',
      'upstream_scheme',
      'upstream_host',
      'upstream_via',
      'upstream_x_forwarded_for',
      'upstream_x_forwarded_proto',
      'upstream_x_forwarded_host',
      'upstream_x_forwarded_path',
      'upstream_x_forwarded_prefix',
      'upstream_upgrade',
    ),
    {
      target: '/NAME/x%20y?z',
      headers: [
        ['Via', '1.0 a'],
        ['X-Forwarded-For', '1.2.3.4'],
        ['X-Forwarded-Proto', 'https'],
        ['X-Forwarded-Host', 'evil'],
      ],
    },
    [
      '/x%20y',
      'http',
      '',
      '1.0 a, 1.1 kong/3.9.3',
      '1.2.3.4, 127.0.0.1',
      'http',
      '127.0.0.1',
      '/NAME/x%20y',
      '/NAME',
      '',
    ],
  ],
  [
    'the addresses of the client, whatever it says',
    [
      ['client.getIp', []],
      ['client.getForwardedIp', []],
      ['nginx.getVar', ['remote_addr']],
      ['ip.isTrusted', ['127.0.0.1']],
    ],
    {
      headers: [
        ['X-Real-IP', '9.9.9.9'],
        ['X-Forwarded-For', '8.8.8.8'],
      ],
    },
    ['127.0.0.1', '127.0.0.1', '127.0.0.1', false],
  ],
  [
    'path and query in their forms',
    [
      ['request.getMethod', []],
      ['request.getPath', []],
      ['request.getRawPath', []],
      ['request.getPathWithQuery', []],
      ['request.getRawQuery', []],
    ],
    { target: '/NAME//a/../b%2f%41/./c?a=1' },
    ['GET', '/NAME/b%2FA/c', '/NAME//a/../b%2f%41/./c', '/NAME//a/../b%2f%41/./c?a=1', 'a=1'],
  ],
  [
    'query arguments as lists, one without a value as an empty one',
    [
      ['request.getQuery', []],
      ['request.getQuery', [2]],
      ['request.getQueryArg', ['a']],
      ['request.getQueryArg', ['b']],
    ],
    { target: '/NAME?a=1&a=2&b&c=&%61=x+y%20z&=v' },
    [{ a: ['1', '2', 'x y z'], b: [], c: [''] }, { a: ['1', '2'] }, '1', true],
  ],
  [
    'no query as no arguments',
    [
      ['request.getQuery', []],
      ['request.getRawQuery', []],
    ],
    {},
    [{}, ''],
  ],
  [
    'one header, the first of several, by any case',
    [
      ['request.getHeader', ['x-two']],
      ['request.getHeader', ['X_TWO']],
      ['request.getHeader', ['none']],
    ],
    {
      headers: [
        ['X-Two', '1'],
        ['X-Two', '2'],
      ],
    },
    ['1', '1', null],
  ],
  [
    'a JSON body with its nulls',
    [['request.getBody', []]],
    json('{"a":[1,2.5,null],"b":{},"c":null,"d":"\\u00e9"}'),
    [{ a: [1, 2.5, null], b: [], c: null, d: 'é' }],
  ],
  ['nothing of a JSON body that is no table', [['request.getBody', []]], json('5'), [null]],
  ['nothing of a JSON body that is broken', [['request.getBody', []]], json('{'), [null]],
  ['nothing of a body without a type', [['request.getBody', []]], { method: 'POST', body: '{}' }, [null]],
  [
    'nothing of a body of another type',
    [['request.getBody', []]],
    { method: 'POST', headers: [['Content-Type', 'text/plain']], body: '{}' },
    [null],
  ],
  [
    'a body of the type that the caller names',
    [['request.getBody', ['application/json']]],
    { method: 'POST', body: '{"a":1}' },
    [{ a: 1 }],
  ],
  [
    'a form',
    [['request.getBody', []]],
    {
      method: 'POST',
      headers: [['Content-Type', 'application/x-www-form-urlencoded']],
      body: 'a=1&a=2&b=x+y&c',
    },
    [{ a: ['1', '2'], b: 'x y', c: true }],
  ],
  [
    'nothing of a JSON body that is on disk',
    [['request.getBody', []]],
    json(`"${'x'.repeat(20_000)}"`),
    [null],
  ],
  [
    "whose request it is: nobody's",
    [
      ['client.getConsumer', []],
      ['client.getCredential', []],
      ['nginx.getCtx', ['authenticated_consumer']],
    ],
    {},
    [null, null, null],
  ],
  [
    'what plugins told one another',
    [
      ['ctx.shared.set', ['k', { a: 1 }]],
      ['ctx.shared.get', ['k']],
      ['ctx.shared.get', ['none']],
      ['nginx.setCtx', ['c', 'd']],
      ['nginx.getCtx', ['c']],
    ],
    {},
    [null, { a: 1 }, null, null, 'd'],
  ],
  [
    'whether a name is an upstream',
    [
      ['service.setUpstream', ['lab.upstream']],
      ['service.setUpstream', ['nowhere']],
    ],
    {},
    [true, null],
  ],
  [
    'a chunked body, and its length once it is read',
    [
      ['request.getRawBody', []],
      ['nginx.getVar', ['content_length']],
    ],
    {
      method: 'POST',
      headers: [['Transfer-Encoding', 'chunked']],
      body: '5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n',
    },
    ['helloabc', '8'],
  ],
  [
    'no length of a chunked body that was asked for before',
    [...variables('content_length'), ['request.getRawBody', []], ...variables('content_length')],
    { method: 'POST', headers: [['Transfer-Encoding', 'chunked']], body: '5\r\nhello\r\n0\r\n\r\n' },
    [null, 'hello', null],
  ],
];
