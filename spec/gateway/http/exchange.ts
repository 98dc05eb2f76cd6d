import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Consumer, KeyAuthCredential, Route, Service } from '../config/entities';
import type { LuaTable, LuaValue } from '../rpc/lua-value';
import { HeaderList } from './header-list';
import { RequestBody } from './request-body';

/** What an answer of Kong's own is, until it is sent. */
export interface OwnAnswer {
  status: number;
  body: string | LuaTable | LuaValue[] | null;
  headers: LuaTable;
}

/** `ngx.ctx` as far as the stand-in fills it; a plugin reads it by `kong.nginx.get_ctx`. */
export interface Context {
  route: Route | null;
  service: Service | null;
  balancer_data: LuaTable | null;
  authenticated_consumer: Consumer | null;
  authenticated_credential: KeyAuthCredential | null;
  [key: string]: LuaValue;
}

/** One request on its way through the gateway: what came, what the plugins made of it, what goes out. */
export class Exchange {
  readonly id = randomBytes(16).toString('hex');
  readonly startedAtMs = Date.now();
  readonly method: string;
  /** The request target as it came. */
  readonly target: string;
  readonly headers: HeaderList;
  readonly body: RequestBody;
  readonly responseHeaders = new HeaderList();
  readonly context: Context = {
    route: null,
    service: null,
    balancer_data: null,
    authenticated_consumer: null,
    authenticated_credential: null,
  };
  readonly shared = new Map<string, LuaValue>();
  /** nginx variables that Kong sets, by name. */
  readonly set = new Map<string, string>();
  /** The query without its question mark; null is none. A plugin may change it. */
  query: string | null;
  answer: OwnAnswer | null = null;
  /** A Lua error happened: Kong answers 500. */
  unexpected = false;

  constructor(
    readonly incoming: IncomingMessage,
    readonly response: ServerResponse,
  ) {
    this.method = incoming.method ?? 'GET';
    this.target = incoming.url ?? '/';
    this.headers = HeaderList.fromRaw(incoming.rawHeaders);
    this.body = new RequestBody(incoming, response);
    const mark = this.target.indexOf('?');
    this.query = mark < 0 ? null : this.target.slice(mark + 1);
  }

  get rawPath(): string {
    const mark = this.target.indexOf('?');
    return mark < 0 ? this.target : this.target.slice(0, mark);
  }

  get httpVersion(): string {
    return this.incoming.httpVersion;
  }

  get requestLine(): string {
    return `${this.method} ${this.target} HTTP/${this.httpVersion}`;
  }

  get remoteAddress(): string {
    return (this.incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  }

  /** The host of the request, lower case and without a port, as nginx's `$host`. */
  get host(): string {
    return (this.headers.first('host') ?? 'kong').replace(/:\d*$/, '').toLowerCase();
  }

  get serverPort(): number {
    return this.incoming.socket.localPort ?? 0;
  }
}
