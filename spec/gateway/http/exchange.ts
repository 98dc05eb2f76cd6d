import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { Consumer, KeyAuthCredential, Route, Service } from '../config/entities';
import type { LuaTable, LuaValue } from '../rpc/lua-value';
import { HeaderList } from './header-list';
import { isOn } from './ip-list';
import { requestLineOf } from './odd-line';
import { RequestBody } from './request-body';
import type { ResponseObserver } from './response-observer';

/** What an answer of Kong's own is, until it is sent. */
export interface OwnAnswer {
  status: number;
  body: string | LuaTable | LuaValue[] | null;
  headers: LuaTable;
}

/** `ngx.ctx` as far as the emulator fills it; a plugin reads it by `kong.nginx.get_ctx`. */
interface Context {
  route: Route | null;
  service: Service | null;
  balancer_data: LuaTable | null;
  authenticated_consumer: Consumer | null;
  authenticated_credential: KeyAuthCredential | null;
  [key: string]: LuaValue;
}

/** nginx leaves out fields whose names have anything but letters, digits, dashes and underscores. */
function acceptedHeaders(raw: string[]): HeaderList {
  const list = new HeaderList();
  for (const [name, value] of HeaderList.fromRaw(raw)) if (/^[\w-]+$/.test(name)) list.add(name, value);
  return list;
}

/** One request on its way through the gateway: what came, what the plugins made of it, what goes out. */
export class Exchange {
  readonly id = randomBytes(16).toString('hex');
  readonly startedAtMs = Date.now();
  /** A plugin may change it. */
  method: string;
  /** Path and query as they came, without what an absolute form has before them. */
  readonly target: string;
  readonly requestLine: string;
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
  /** nginx variables whose first value is kept. */
  readonly remembered = new Map<string, string | null>();
  /** The query without its question mark; null is none. A plugin may change it. */
  query: string | null;
  answer: OwnAnswer | null = null;
  /** By the priority of their plugins. */
  readonly observers: ResponseObserver[] = [];
  /** The answer counts as the upstream's, and has the fields that those have. */
  isProxied = false;
  /** The host that an absolute-form target names. */
  readonly #authority: string | null;
  /** A Lua error happened: Kong answers 500. */
  unexpected = false;

  constructor(
    readonly incoming: IncomingMessage,
    readonly response: ServerResponse,
    private readonly trustedIps: readonly string[],
  ) {
    const { method, url } = requestLineOf(incoming);
    this.method = method;
    const absolute = /^https?:\/\/([^/?#]+)(.*)$/is.exec(url);
    this.target = absolute ? absolute[2] || '/' : url;
    this.requestLine = `${method} ${url} HTTP/${incoming.httpVersion}`;
    this.headers = acceptedHeaders(incoming.rawHeaders);
    this.#authority = absolute?.[1] ?? null;
    this.body = new RequestBody(incoming, response);
    const mark = this.#withoutFragment.indexOf('?');
    this.query = mark < 0 ? null : this.#withoutFragment.slice(mark + 1);
  }

  get rawPath(): string {
    return this.#withoutFragment.replace(/\?.*$/s, '');
  }

  get #withoutFragment(): string {
    return this.target.replace(/#.*$/s, '');
  }

  get httpVersion(): string {
    return this.incoming.httpVersion;
  }

  /** Bytes of the request line and the header fields. */
  get headLength(): number {
    const fields = [...this.headers].reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
    return this.requestLine.length + 2 + fields + 2;
  }

  /** Who sends it: `$realip_remote_addr`. */
  get peerAddress(): string {
    return (this.incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  }

  /** Whether that peer is believed what it says of the client. */
  get isTrusted(): boolean {
    return this.trusts(this.peerAddress);
  }

  trusts(address: string): boolean {
    return isOn(this.trustedIps, address);
  }

  /** Whose request it is: `$remote_addr`. */
  get remoteAddress(): string {
    const said = this.isTrusted ? (this.headers.first('x-real-ip') ?? '') : '';
    return isIP(said) ? said : this.peerAddress;
  }

  /** The host of the request target or else of the Host field, lower case and without a port, as nginx's `$host`. */
  get host(): string {
    return (this.#authority ?? this.headers.first('host') ?? 'kong').replace(/:\d*$/, '').toLowerCase();
  }

  get serverPort(): number {
    return this.incoming.socket.localPort ?? 0;
  }
}
