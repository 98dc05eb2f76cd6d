import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LuaValue } from '../gateway/rpc/lua-value';
import { useResources } from '../helpers/use-resources';
import { KongConnection, type RpcAnswer } from './plugin-server-kit/kong-connection';
import { makePrefix, ServerProcess } from './plugin-server-kit/server-process';

type Entry =
  | { note: string }
  | { from: 'kong'; msg: [0, number, string, [LuaValue]] }
  | { from: 'pluginserver'; msg: [1, number, string | null, LuaValue] }
  | { ev: string };
interface Exchange {
  method: string;
  argument: LuaValue;
  error: string | null;
  result: LuaValue;
}

/** The recording by scenario: what Kong said and what kong-pdk answered to it. */
function readScenarios(): Map<string, Exchange[]> {
  const text = readFileSync(join(__dirname, '../fixtures/rpc-transcript.jsonl'), 'utf8');
  const scenarios = new Map<string, Exchange[]>();
  const open = new Map<number, Exchange>();
  let current: Exchange[] = [];
  for (const line of text.trim().split('\n')) {
    const entry = JSON.parse(line) as Entry;
    if ('note' in entry) {
      const name = /^(\d+\w?)/.exec(entry.note)?.[1];
      if (name !== undefined) scenarios.set(name, (current = scenarios.get(name) ?? []));
    } else if ('from' in entry && entry.from === 'kong') {
      const [, id, method, [argument]] = entry.msg;
      const exchange = { method: method.replace('plugin.', ''), argument, error: null, result: null };
      open.set(id, exchange);
      current.push(exchange);
    } else if ('from' in entry) {
      const [, id, error, result] = entry.msg;
      Object.assign(open.get(id) ?? {}, { error, result });
    }
  }
  return scenarios;
}

/** Puts our instance and event IDs in the place of the recorded ones, and the other way round. */
class IdMap {
  readonly #ours = new Map<string, number>();

  learn(kind: string, recorded: number, ours: number): void {
    this.#ours.set(`${kind}${recorded}`, ours);
  }

  argument(method: string, argument: LuaValue): LuaValue {
    if (method === 'CloseInstance') return this.#get('i', argument as number);
    if (method === 'StartInstance') return argument;
    const { InstanceId, EventId, ...rest } = argument as {
      InstanceId?: number;
      EventId?: number;
      Data?: LuaValue;
    };
    if (InstanceId !== undefined) return { ...rest, InstanceId: this.#get('i', InstanceId) };
    return { ...rest, EventId: this.#get('e', EventId ?? -1), Data: withBinaries(rest.Data) };
  }

  #get(kind: string, recorded: number): number {
    const ours = this.#ours.get(`${kind}${recorded}`);
    if (ours === undefined) throw new Error(`nothing known of ${kind}${recorded}`);
    return ours;
  }
}

// The recording tells of a binary its length only.
function withBinaries(data: LuaValue): LuaValue {
  const length = (data as { $bin?: { length: number } } | undefined)?.$bin?.length;
  return length === undefined ? data : Buffer.alloc(length);
}

/** What does not differ from one run to the next; of binaries and of IDs only that they are there. No configuration: ours gives none. */
function comparable(value: unknown): unknown {
  const text = JSON.stringify(value, (key, inner: unknown) => {
    if (key === 'Config') return undefined;
    if (['Id', 'EventId', 'StartTime'].includes(key)) return typeof inner;
    if (inner === null && !/^\d+$/.test(key)) return undefined; // a nil in a Lua table is no entry
    const { $bin } = (inner ?? {}) as { $bin?: { length: number } };
    if ($bin !== undefined) return `${$bin.length} bytes`;
    // eslint-disable-next-line no-control-regex -- no text of the recording has one
    if (typeof inner === 'string' && /[\u0000-\u001f]/.test(inner)) return `${inner.length} bytes`;
    return inner;
  });
  return JSON.parse(text.replace(/,\\"ms\\":[\d.]+/g, '').replace(/(\\"pid\\":)\d+/g, '$10'));
}

describe('plugin server and the recording of a real Kong', () => {
  const scenarios = readScenarios();
  const { prefix, remove } = makePrefix();
  const ids = new IdMap();
  let server: ServerProcess;
  let kong: KongConnection;

  useResources(async (resources) => {
    resources.add(remove);
    server = await resources.use(ServerProcess.start(prefix), () => server.kill());
    kong = await resources.use(KongConnection.open(server.socketPath), () => kong.socket.destroy());
  });

  const replay = async ({ method, argument, result }: Exchange): Promise<RpcAnswer> => {
    const answer = await kong.call(method, ids.argument(method, argument));
    const recorded = result as { Id?: number; EventId?: number } | null;
    const ours = answer.result as { Id?: number; EventId?: number } | null;
    if (recorded?.Id !== undefined) ids.learn('i', recorded.Id, ours?.Id ?? -1);
    if (recorded?.EventId !== undefined) ids.learn('e', recorded.EventId, ours?.EventId ?? -1);
    return answer;
  };

  const expectAlike = async (scenario: string): Promise<void> => {
    const exchanges = scenarios.get(scenario) ?? [];
    expect(exchanges).not.toHaveLength(0);
    for (const exchange of exchanges) {
      const { error, result } = await replay(exchange);
      expect(comparable({ error, result })).toEqual(
        comparable({ error: exchange.error, result: exchange.result }),
      );
    }
  };

  it.each([
    ['1', 'first request'],
    ['2', 'second request'],
    ['3', 'four calls, then exit'],
    ['4', 'nothing done'],
    ['7', 'thrown after exit'],
    ['8', 'called after exit'],
    ['9', 'exit with a status that Kong refuses'],
    ['10', 'a PDK method that is none'],
    ['14', 'exit without a body'],
    ['15', 'a header twice'],
    ['17', 'before a change of configuration'],
    ['17b', 'after it'],
    ['17c', 'another instance after it'],
  ])('answers as recorded: %s, %s', async (scenario) => expectAlike(scenario));

  it.each([
    ['5', 'at once'],
    ['6', 'after one call'],
  ])(
    'answers 500, where the recording lets the request pass, when the plugin throws: %s, %s',
    async (scenario) => {
      const answers = [];
      for (const exchange of scenarios.get(scenario) ?? []) answers.push((await replay(exchange)).result);
      expect(answers.at(-1)).toMatchObject({ Data: { Method: 'kong.response.exit', Args: [500, {}, {}] } });
    },
  );

  it('answers as recorded after a crash: 20, an instance of the process before; 21, four calls', async () => {
    kong.socket.destroy();
    await server.kill();
    server = await ServerProcess.start(prefix);
    kong = await KongConnection.open(server.socketPath);
    const [stale] = scenarios.get('20') ?? [];
    const oldId = (ids.argument('HandleEvent', stale?.argument) as { InstanceId: number }).InstanceId;
    expect(stale?.error).toBe('no plugin instance #17');
    const { error } = await kong.call('HandleEvent', { InstanceId: oldId, EventName: 'access' });
    expect(error).toBe(`no plugin instance #${oldId}`);
    await expectAlike('21');
  });

  it.each([
    ['28', 'a table for a body'],
    ['29', 'exit with an object'],
    ['30', 'exit with bytes'],
  ])('answers as recorded: %s, %s', async (scenario) => expectAlike(scenario));
});
