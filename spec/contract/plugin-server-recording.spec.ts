// The plugin server answers a recorded real Kong as kong-pdk did, step by step (spec/fixtures/rpc-transcript.jsonl).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LuaValue } from '../gateway/rpc/lua-value';
import { useResources } from '../helpers/use-resources';
import { KongConnection, type RpcAnswer } from './plugin-server-fixture/kong-connection';
import { makePrefix, ServerProcess } from './plugin-server-fixture/server-process';

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

/** The recording by step: the calls of Kong, and the answers of kong-pdk. */
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

/** Replaces recorded instance and event IDs with those of our plugin server. */
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

// The recording has only the length of a binary.
function withBinaries(data: LuaValue): LuaValue {
  const length = (data as { $bin?: { length: number } } | undefined)?.$bin?.length;
  return length === undefined ? data : Buffer.alloc(length);
}

/**
 * The part of an answer that is the same in every run. A binary is reduced to its length and an ID to its type. Configurations
 * are left out, because our plugin server returns none.
 */
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

  test.each([
    { step: '1', scenario: 'the first request' },
    { step: '2', scenario: 'the second request' },
    { step: '3', scenario: 'four calls, then an exit' },
    { step: '4', scenario: 'a plugin that does nothing' },
    { step: '7', scenario: 'a plugin that throws after its exit' },
    { step: '8', scenario: 'a plugin that calls after its exit' },
    { step: '9', scenario: 'an exit with a status that Kong rejects' },
    { step: '10', scenario: 'a call of an unknown PDK method' },
    { step: '14', scenario: 'an exit without a body' },
    { step: '15', scenario: 'a repeated header' },
    { step: '17', scenario: 'a request before a change of configuration' },
    { step: '17b', scenario: 'a request after that change' },
    { step: '17c', scenario: 'a request to another instance after that change' },
  ])('the plugin server answers as recorded in step $step: $scenario', ({ step }) => expectAlike(step));

  // Here kong-pdk let the request pass; our plugin server fails closed.
  test.each([
    { step: '5', moment: 'at once' },
    { step: '6', moment: 'after one call' },
  ])('the plugin server answers 500 to a plugin that throws $moment (step $step)', async ({ step }) => {
    const answers = [];
    for (const exchange of scenarios.get(step) ?? []) answers.push((await replay(exchange)).result);
    expect(answers.at(-1)).toMatchObject({ Data: { Method: 'kong.response.exit', Args: [500, {}, {}] } });
  });

  test('after a crash the plugin server rejects an instance of the former process (step 20) and runs four calls (step 21)', async () => {
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

  test.each([
    { step: '28', scenario: 'a table as the body' },
    { step: '29', scenario: 'an exit with an object' },
    { step: '30', scenario: 'an exit with bytes' },
  ])('the plugin server answers as recorded in step $step: $scenario', ({ step }) => expectAlike(step));
});
