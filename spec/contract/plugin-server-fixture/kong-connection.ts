// Kong's end of one connection, on the codec of the Kong emulator: what it packs is what Kong packs, byte for byte.
import { connect, type Socket } from 'node:net';
import { luaPack } from '../../gateway/rpc/lua-pack';
import { luaUnpack, Underflow } from '../../gateway/rpc/lua-unpack';
import type { LuaValue } from '../../gateway/rpc/lua-value';

/** `[1, id, error, result]`; strings have a character per byte. */
export interface RpcAnswer {
  id: number;
  error: string | null;
  result: LuaValue;
}

/** The next call of a plugin to Kong. */
export interface NextCall {
  eventId: number;
  method: string;
  args: LuaValue[];
}

/** A connection to a plugin server that sends any bytes, well-formed or not. */
export class KongConnection {
  readonly socket: Socket;
  /** Settles when the connection is closed, by either end. */
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);
  #messageId = 0;
  readonly #answers: RpcAnswer[] = [];
  readonly #waiting: ((answer: RpcAnswer) => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((settle) => socket.once('close', () => settle()));
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => this.#onData(chunk));
  }

  static open(socketPath: string): Promise<KongConnection> {
    return new Promise((settle, fail) => {
      const socket = connect(socketPath, () => {
        socket.off('error', fail);
        settle(new KongConnection(socket));
      }).once('error', fail);
    });
  }

  /** The bytes of one request, with the next message ID. */
  pack(method: string, argument: LuaValue): Buffer {
    return luaPack([0, ++this.#messageId, `plugin.${method}`, [argument]]);
  }

  /** The next answer that comes, or came and was not taken. */
  answer(): Promise<RpcAnswer> {
    const answer = this.#answers.shift();
    return answer === undefined
      ? new Promise((settle) => this.#waiting.push(settle))
      : Promise.resolve(answer);
  }

  call(method: string, argument: LuaValue): Promise<RpcAnswer> {
    this.socket.write(this.pack(method, argument));
    return this.answer();
  }

  /** Starts an instance of js-lab; `config` may be the JSON itself, as bytes. */
  async start(config: Record<string, unknown> | string): Promise<number> {
    const json = typeof config === 'string' ? config : JSON.stringify(config);
    const { error, result } = await this.call('StartInstance', { Name: 'js-lab', Config: json });
    if (error !== null) throw new Error(error);
    return (result as { Id: number }).Id;
  }

  /** Begins a phase; returns the plugin's first call. */
  async event(instanceId: number, phase = 'access'): Promise<NextCall> {
    return nextCall(await this.call('HandleEvent', { InstanceId: instanceId, EventName: phase }));
  }

  /** Gives a result of the PDK; returns the plugin's next call. */
  async step({ eventId }: NextCall, data: LuaValue, method = 'Step'): Promise<NextCall> {
    return nextCall(await this.call(method, { EventId: eventId, Data: data }));
  }

  #onData(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length > 0) {
      try {
        const { value, end } = luaUnpack(this.#received);
        this.#received = this.#received.subarray(end);
        this.#deliver(value as [number, number, string | null, LuaValue]);
      } catch (error) {
        if (error instanceof Underflow) return;
        throw error;
      }
    }
  }

  #deliver([, id, error, result]: [number, number, string | null, LuaValue]): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#answers.push({ id, error, result });
    else waiting({ id, error, result });
  }
}

/** A str or bin as bytes; fails on anything else. */
export function bytesOf(value: LuaValue): Buffer {
  if (typeof value !== 'string') throw new Error(`not a string: ${typeof value}`);
  return Buffer.from(value, 'latin1');
}

function nextCall({ error, result }: RpcAnswer): NextCall {
  if (error !== null) throw new Error(error);
  const { EventId, Data } = result as { EventId: number; Data: 'ret' | { Method: string; Args: LuaValue[] } };
  if (Data === 'ret') return { eventId: EventId, method: 'ret', args: [] };
  return { eventId: EventId, method: Data.Method, args: Data.Args };
}
