// The Kong emulator calls a plugin server as a recorded real Kong did: the same methods with the same arguments in the same
// bytes, over the same connections. The client receives the same responses. With KONG_BIN these specs compare the recording
// with that Kong. The number in each title is the step of the recording (spec/fixtures/rpc-transcript.jsonl).
import { closeInstance } from './kong-emulator-fixture/close-instance';
import { startKongFixture, stockPluginServer, type KongFixture } from './kong-emulator-fixture/kong-fixture';
import type { RawRequest, RawResponse } from './kong-emulator-fixture/raw-exchange';
import { RpcTap, type TapEvent } from './kong-emulator-fixture/rpc-tap';
import { comparable, noted, readTranscript } from './kong-emulator-fixture/transcript';
import { until } from '../helpers/until';
import { socketAccepts } from '../helpers/gateway/socket-ready';
import type { Releasers } from '../helpers/stack/releasers';
import { useResources } from '../helpers/use-resources';

const MAX_BODY = 67108864;
const CURL: [string, string][] = [
  ['User-Agent', 'curl/7.88.1'],
  ['Accept', '*/*'],
];
const jsLab = (mode: string, more: object = {}): { lab: Record<string, unknown> } => ({
  lab: { mode, ...more },
});
const ROUTES = {
  'js-exit': jsLab('exit'),
  'js-four': jsLab('four'),
  'js-pass': jsLab('pass'),
  'js-throw': jsLab('throw'),
  'js-throwafter': jsLab('throwafter'),
  'js-rejectexit': jsLab('rejectexit'),
  'js-callafterexit': jsLab('callafterexit'),
  'js-exitbadstatus': jsLab('exitbadstatus'),
  'js-nomethod': jsLab('call', { method: 'request.noSuchThing' }),
  'js-ser': jsLab('call', { method: 'log.serialize' }),
  'js-body': jsLab('body'),
  'js-body64': jsLab('body', { max: MAX_BODY }),
  'js-exitnullbody': jsLab('exitnullbody'),
  'js-headers': jsLab('call', { method: 'request.getHeaders' }),
  'js-slow': jsLab('slow', { max: 3000 }),
  'js-iidA': jsLab('iid', { message: 'A' }),
  'js-iidB': jsLab('iid', { message: 'B' }),
  'js-getbody': jsLab('call', { method: 'request.getBody' }),
  'js-exitobj': jsLab('exitobj'),
  'js-exitbin': jsLab('exitbin'),
};

const recording = readTranscript();
let tap: RpcTap;
let fixture: KongFixture;
let serverSocket: string;

async function startBehindTap(resources: Releasers): Promise<void> {
  tap = await resources.use(RpcTap.start(), (started) => started.stop());
  const pluginServer = { ...stockPluginServer(), socketPath: tap.socketPath };
  fixture = await resources.use(startKongFixture(ROUTES, { pluginServer }), (started) => started.stop());
  serverSocket = `${fixture.gateway.prefix}/js_pluginserver.sock`;
  await serverIsBack();
  tap.aimAt(serverSocket);
}

const serverIsBack = (): Promise<boolean> => until('the plugin server', () => socketAccepts(serverSocket));

/** Kong would first try a connection that it does not yet know to be closed. */
const connectionsAreOver = (): Promise<boolean> =>
  until('the gateway to see its connections end', () => tap.isIdle);

/** Sends a request as the curl of the recording did. */
function curl(route: string, request: Partial<RawRequest> = {}): Promise<RawResponse> {
  const headers = [...CURL, ...(request.headers ?? [])];
  return fixture.send(route, { ...request, headers, isKeptAlive: true });
}

/** Runs the action, and compares the messages that it caused with those of the recorded step. */
async function replays(number: string, action: () => Promise<RawResponse | null>): Promise<void> {
  const recorded = recording.get(number);
  const from = tap.events.length;
  const response = await action();
  const messages = (): unknown[] => comparable(byConnection(tap.events.slice(from)));
  const wantedEvents = comparable(byConnection(recorded?.events ?? []));
  // The client has its response before the tap has seen the last message.
  await until('the remaining messages', () => messages().length >= wantedEvents.length).catch(() => null);
  expect(messages()).toEqual(wantedEvents);
  if (!recorded?.outcome || !response) return;
  expect(response.status).toBe(recorded.outcome.status);
  if (UNORDERED.has(number)) return;
  const wanted = noted(recorded.outcome.body);
  expect(noted(response.body).slice(0, wanted.length)).toBe(wanted);
}

/** Orders events by connection: which of several connections sends first is chance. */
function byConnection(events: TapEvent[]): TapEvent[] {
  return events.toSorted((a, b) => a.conn - b.conn);
}

/** Steps whose bodies the recording cannot show: keys in the order of Lua, or binary. */
const UNORDERED = new Set(['15', '28', '29', '30']);

async function waitForKong(method: string): Promise<void> {
  const from = tap.events.length;
  await until(method, () =>
    tap.events.slice(from).some(({ msg }) => Array.isArray(msg) && msg[2] === method),
  );
}

describe('the first recorded run', () => {
  useResources(startBehindTap);

  test.each([
    { step: '1', route: 'js-exit', fact: 'Kong starts an instance before its first event' },
    { step: '2', route: 'js-exit', fact: 'Kong uses the instance that it has started' },
    { step: '4', route: 'js-pass', fact: 'Kong proxies a request if the plugin does nothing' },
    { step: '5', route: 'js-throw', fact: 'Kong proxies a request if the plugin throws' },
    { step: '6', route: 'js-throwafter', fact: 'Kong proxies a request if the plugin throws after a call' },
    { step: '7', route: 'js-rejectexit', fact: 'an exit counts although the plugin throws after it' },
    { step: '8', route: 'js-callafterexit', fact: 'Kong ignores a call after an exit' },
    {
      step: '9',
      route: 'js-exitbadstatus',
      fact: 'Kong responds with 500 to an exit with an invalid status',
    },
    { step: '10', route: 'js-nomethod', fact: 'Kong returns nothing for an unknown PDK method' },
    { step: '11', route: 'js-ser', fact: 'Kong responds with 500 to a call that belongs to another phase' },
  ])('step $step: $fact', async ({ step, route }) => {
    if (step === '4') await replays('3', fourCalls);
    await replays(step, () => curl(route));
  });

  const fourCalls = (): Promise<RawResponse> =>
    curl('js-four', {
      method: 'POST',
      target: '/js-four?a=1&a=2',
      headers: [['Content-Type', 'application/octet-stream']],
      body: 'x'.repeat(200),
    });

  test('step 12: a raw body that is on disk costs Kong a connection and a message ID', async () => {
    await replays('12', () => curl('js-body', { method: 'POST', body: 'x'.repeat(1 << 20) }));
  });

  test('step 13: Kong sends a raw body of 1 MiB as binary if the call allows it', async () => {
    await replays('13', () => curl('js-body64', { method: 'POST', body: 'x'.repeat(1 << 20) }));
  });

  test('step 14: Kong drops the headers of an exit without a body', async () => {
    await replays('14', async () => {
      const response = await curl('js-exitnullbody');
      expect(response.header('x-a')).toBeUndefined();
      return response;
    });
  });

  test('step 15: Kong sends repeated headers as lists', async () => {
    await replays('15', () =>
      curl('js-headers', {
        headers: [
          ['X-Two', '1'],
          ['X-Two', '2'],
        ],
      }),
    );
  });

  test('step 16: Kong sends one message at a time on a connection', async () => {
    await replays('16', async () => {
      const responses = await Promise.all([curl('js-slow'), curl('js-slow'), curl('js-slow')]);
      expect(responses.map(({ body }) => body)).toEqual(Array(3).fill('{"slow":true}'));
      return null;
    });
  });

  test('step 17: Kong restarts every instance after a new configuration, then closes the old one', async () => {
    await replays('17', () => curl('js-iidA'));
    const changed = { ...ROUTES, 'js-iidA': jsLab('iid', { message: 'A2' }) };
    await fixture.gateway.applyConfig(fixture.configWith(changed));
    await replays('17b', () => curl('js-iidA'));
    await replays('17c', () => curl('js-exit'));
  });

  test('steps 18 to 21: Kong proxies requests while the plugin server is down, then starts its instances again', async () => {
    await replays('18', async () => {
      const [response] = await Promise.all([curl('js-slow'), killServerInFlight()]);
      return response;
    });
    await connectionsAreOver();
    await replays('19', () => curl('js-exit'));
    await serverIsBack();
    await replays('20', () => curl('js-exit'));
    await replays('21', () => curl('js-four'));
  });

  async function killServerInFlight(): Promise<void> {
    await waitForKong('plugin.HandleEvent');
    for (const pid of await fixture.gateway.pluginServerPids()) process.kill(pid, 'SIGKILL');
  }
});

describe('the second recorded run', () => {
  useResources(startBehindTap);

  test('steps 22 to 24: Kong restarts an instance that the plugin server no longer knows', async () => {
    await replays('22', () => curl('js-exit'));
    await closeInstance(serverSocket, 0);
    await replays('24', () => curl('js-exit'));
  });

  test('step 27: Kong responds with 500 if an instance cannot be started', async () => {
    // The recording's client waited 75 s before 26, for the idle connection to be closed: here it is the same one.
    await curl('js-exit');
    for (const pid of await fixture.gateway.pluginServerPids()) process.kill(pid, 'SIGTERM');
    await until('the server to be gone', async () => !(await socketAccepts(serverSocket)));
    await connectionsAreOver();
    tap.aimAt(serverSocket, 2);
    await replays('27a', () => curl('js-iidB'));
    await serverIsBack();
    await replays('27b', () => curl('js-iidB'));
  });

  test('step 28: Kong returns a JSON body as a table', async () => {
    const headers: [string, string][] = [['Content-Type', 'application/json']];
    await replays('28', () =>
      curl('js-getbody', { method: 'POST', headers, body: '{"hello":"world","n":[1,2]}' }),
    );
  });

  test('step 29: Kong sends a table as JSON: nil values are omitted, an empty array is an object', async () => {
    await replays('29', async () => {
      const response = await curl('js-exitobj');
      expect(JSON.parse(response.body)).toEqual({ a: 1, b: [1, 2, {}], e: {} });
      return response;
    });
  });

  test('step 30: Kong sends bytes unchanged', async () => {
    await replays('30', async () => {
      const response = await curl('js-exitbin');
      expect(Buffer.from(response.body, 'latin1')).toEqual(
        Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
      );
      return response;
    });
  });

  test('step 31: Kong lets the plugin finish when the client has disconnected', async () => {
    await replays('31', async () => {
      const abandoned = new AbortController();
      const request = fetch(`${fixture.gateway.proxyUrl}/js-slow`, { signal: abandoned.signal }).catch(
        () => null,
      );
      await waitForKong('plugin.HandleEvent');
      abandoned.abort();
      await request;
      const count = tap.events.length;
      await until('the plugin', () => tap.events.length > count);
      return null;
    });
  });
});
