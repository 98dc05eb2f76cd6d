// How an action reaches Kong, by the calls of its PDK.
import { replyWith, type GatewayAction } from '../../../plugins/async-request-reply/access/gateway-action';
import type { HandoffListener } from '../../../plugins/async-request-reply/handoff/types';
import { executeAction } from '../../../plugins/async-request-reply/kong-api/execute-action';
import { NginxVariables } from '../../../plugins/async-request-reply/kong-api/nginx-variables';
import type { Pdk } from '../../../plugins/async-request-reply/kong-api/pdk';

const VARIABLES: Readonly<Record<string, string>> = {
  request: 'GET / HTTP/1.1',
  request_method: 'GET',
  upstream_scheme: 'https',
};

type Call = readonly [method: string, ...args: unknown[]];

/** A `kong` object that records the calls which change something. */
function recordingPdk(calls: Call[]): Pdk {
  const node = (path: string): unknown =>
    new Proxy(() => undefined, {
      get: (_target, name) => node(path === '' ? String(name) : `${path}.${String(name)}`),
      apply: (_target, _this, args: unknown[]) => {
        if (path === 'nginx.get_var') {
          return Promise.resolve(VARIABLES[String(args[0])]);
        }
        calls.push([path, ...args]);
        return Promise.resolve();
      },
    });
  return node('') as Pdk;
}

const listener = (port: number | undefined): HandoffListener => ({
  register: () => 'key',
  port: () => port,
  seal: ({ settingsKey, method }) => `ticket of ${settingsKey} for ${method}`,
});

async function callsOf(action: GatewayAction, handoff?: HandoffListener): Promise<Call[]> {
  const calls: Call[] = [];
  const pdk = recordingPdk(calls);
  const variables = await NginxVariables.load(pdk, false, () => undefined);
  await executeAction(action, { pdk, variables, handoff, settingsKey: 'key' });
  return calls;
}

const STREAMED = replyWith({
  status: 200,
  headers: [],
  presets: [['Age', '7']],
  body: { jobId: 'id', result: '1.1', start: 0, end: 9, isDeletedAfterRead: false },
});

test('a reply in memory ends the request by an exit', async () => {
  const body = Buffer.from('{}');
  const [exit, ...others] = await callsOf(replyWith({ status: 202, headers: [['Vary', 'Prefer']], body }));
  expect(exit).toEqual(['response.exit', 202, body, expect.objectContaining({ Vary: 'Prefer' })]);
  expect(others).toEqual([]);
});

test('a pass removes the loopback token, adds Vary, and marks a loopback request last', async () => {
  expect(await callsOf({ kind: 'pass', vary: 'Prefer', isLoopback: true })).toEqual([
    ['service.request.clear_header', 'x-async-kong-loopback'],
    ['response.add_header', 'Vary', 'Prefer'],
    ['ctx.shared.set', 'async_request_reply', 'loopback'],
  ]);
});

test('a stream adds the presets, and sets the listener as the target last', async () => {
  expect(await callsOf(STREAMED, listener(4711))).toEqual([
    ['response.add_header', 'Age', '7'],
    ['service.request.set_header', 'x-async-kong-handoff', 'ticket of key for GET'],
    ['service.request.set_scheme', 'http'],
    ['service.request.set_path', '/'],
    ['service.request.set_raw_query', expect.stringMatching(/^[\w-]{22}$/)],
    ['service.set_target', '127.0.0.1', 4711],
  ]);
});

test.each([
  ['is down', listener(undefined)],
  ['does not exist', undefined],
])('a stream is answered with 503 while the listener %s', async (_case, handoff) => {
  expect(await callsOf(STREAMED, handoff)).toContainEqual(expect.arrayContaining(['response.exit', 503]));
});
