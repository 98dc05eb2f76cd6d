// A request as Kong's PDK shows it. Only this folder uses the `kong` object.
import type {
  BodyOutcome,
  Caller,
  ExpectedBody,
  ForwardedFields,
  GatewayRequest,
  MatchedRoute,
  RequestLine,
  SentRequest,
} from '../access/gateway-request';
import { AsyncError } from '../errors/async-error';
import type { RouteSettings } from '../access/route/route-settings';
import { pathPrefix } from '../http/path-prefix';
import type { HeaderField } from '../http/reply';
import type { UpstreamTarget } from '../http/upstream-request';
import { fromUriHost } from '../http/uri-host';
import type { EntityCache } from './entity-cache';
import { booleanField, recordField, stringField, stringsField, textField } from './lua-values';
import type { Pdk } from './pdk';
import { sentMethod, type VariableName, type NginxVariables } from './nginx-variables';

/**
 * Kong accepts no larger number (kong/pdk/request.lua). It silently omits further fields, among them those in which its own plugins
 * identify the caller.
 */
const MAX_HEADERS = 1000;

/** Room for the request line, header fields and chunk framing, which nginx counts into `request_length`. */
const LENGTH_SLACK_BYTES = 128 * 1024;

/** Of the name of a service or route: every ticket contains it. */
const MAX_NAME_CHARACTERS = 128;

/** The header fields that Kong sets for the upstream, with the variable that holds each (Kong's nginx_kong.lua). */
const FORWARDED_FIELDS: readonly (readonly [name: string, variable: VariableName])[] = [
  ['via', 'upstream_via'],
  ['x-forwarded-for', 'upstream_x_forwarded_for'],
  ['x-forwarded-proto', 'upstream_x_forwarded_proto'],
  ['x-forwarded-host', 'upstream_x_forwarded_host'],
  ['x-forwarded-port', 'upstream_x_forwarded_port'],
  ['x-forwarded-path', 'upstream_x_forwarded_path'],
  ['x-forwarded-prefix', 'upstream_x_forwarded_prefix'],
  ['x-real-ip', 'remote_addr'],
  ['x-kong-request-id', 'kong_request_id'],
];

/** Header fields that are among the variables of `$arr_request`. */
const HEADER_VARIABLES: ReadonlyMap<string, VariableName> = new Map([['prefer', 'http_prefer']]);

export class KongRequest implements GatewayRequest {
  readonly #pdk: Pdk;
  readonly #variables: NginxVariables;
  readonly #entities: EntityCache;
  readonly #idHeader: string;
  readonly #usesPrefix: boolean;
  #matched: Promise<MatchedRoute> | undefined;

  constructor(
    pdk: Pdk,
    variables: NginxVariables,
    entities: EntityCache,
    { idHeader, forwardedPrefix }: Pick<RouteSettings, 'idHeader' | 'forwardedPrefix'>,
  ) {
    this.#pdk = pdk;
    this.#variables = variables;
    this.#entities = entities;
    this.#idHeader = idHeader.toLowerCase();
    this.#usesPrefix = forwardedPrefix;
  }

  async line(): Promise<RequestLine> {
    return {
      method: await sentMethod(this.#variables),
      upstreamMethod: await this.#variables.get('request_method'),
      uri: await this.#variables.get('request_uri'),
      prefix: this.#usesPrefix ? await this.#trustedPrefix() : '',
      query: await this.#variables.get('args'),
      idHeader:
        this.#idHeader === 'x-async-kong-id'
          ? await this.#variables.get('http_x_async_kong_id')
          : ((await this.#variable(this.#idHeader)) ?? ''),
      upgrade: await this.#variables.get('http_upgrade'),
      loopbackToken: await this.#variables.get('http_x_async_kong_loopback'),
    };
  }

  /** Like Kong itself, trusts X-Forwarded-* only from a trusted peer (Kong's runloop/handler.lua, access.before). */
  async #trustedPrefix(): Promise<string> {
    const prefix = pathPrefix((await this.#variable('x-forwarded-prefix')) ?? '');
    if (prefix === '') {
      return '';
    }
    const peer = (await this.#pdk.nginx.get_var('realip_remote_addr')) ?? '';
    return (await this.#pdk.ip.is_trusted(peer)) === true ? prefix : '';
  }

  #variable(header: string): Promise<string | undefined> {
    return this.#pdk.nginx.get_var(`http_${header.replaceAll('-', '_')}`);
  }

  async headers(): Promise<HeaderField[]> {
    const map = await this.#pdk.request.get_headers(MAX_HEADERS);
    const fields = Object.entries(map).flatMap(([name, values]) =>
      values.map((value): HeaderField => [name, value]),
    );
    if (fields.length >= MAX_HEADERS) {
      throw new AsyncError('too-many-header-fields', {
        detail: `The request has more than ${String(MAX_HEADERS - 1)} header fields, including those that the gateway adds.`,
      });
    }
    return fields;
  }

  async headerValues(name: string): Promise<string[]> {
    const variable = HEADER_VARIABLES.get(name);
    const value = variable === undefined ? await this.#variable(name) : await this.#variables.get(variable);
    return value === undefined || value === '' ? [] : [value];
  }

  async sent(): Promise<SentRequest> {
    // Before any plugin runs, Kong records the host name without the port, for X-Forwarded-Host.
    return {
      hosts: [await this.#variables.get('http_host'), await this.#variables.get('upstream_x_forwarded_host')],
      prefix: await this.#variables.get('upstream_x_forwarded_prefix'),
    };
  }

  async caller(): Promise<Caller> {
    const consumer = await this.#pdk.nginx.get_ctx('authenticated_consumer');
    const credential = await this.#pdk.nginx.get_ctx('authenticated_credential');
    return {
      consumerId: stringField(consumer, 'id'),
      // The entity contains the secret itself: only its name is read.
      credentialId: stringField(credential, 'id') ?? stringField(credential, 'username'),
    };
  }

  async forwarded(): Promise<ForwardedFields> {
    const fields: HeaderField[] = [];
    for (const [name, variable] of FORWARDED_FIELDS) {
      fields.push([name, await this.#variables.get(variable)]);
    }
    const path = (await this.#variables.get('upstream_uri')) || (await this.#pathWithoutService());
    // Kong keeps the `?` of an empty query, which nginx alone would drop (Kong's runloop/handler.lua, access.after).
    const hasQuery =
      (await this.#variables.get('is_args')) === '?' ||
      (await this.#variables.get('request_uri')).endsWith('?');
    return {
      path: hasQuery ? `${path}?${await this.#variables.get('args')}` : path,
      preservedHost: await this.#variables.get('upstream_host'),
      fields,
    };
  }

  /** Kong sets no path if there is no service. The path is the request's own, without what the route strips. */
  async #pathWithoutService(): Promise<string> {
    const [path = ''] = (await this.#variables.get('request_uri')).split('?', 1);
    const prefix = await this.#variables.get('upstream_x_forwarded_prefix');
    const rest = path.startsWith(prefix) ? path.slice(prefix.length) : path;
    return rest.startsWith('/') ? rest : `/${rest}`;
  }

  matched(): Promise<MatchedRoute> {
    this.#matched ??= this.#entities.matched(async () => {
      const service = await this.#pdk.router.get_service();
      const route = await this.#pdk.router.get_route();
      return {
        serviceId: stringField(service, 'id'),
        routeId: stringField(route, 'id'),
        entityName: textField(service ?? route, 'name')?.slice(0, MAX_NAME_CHARACTERS),
        routeMethods: stringsField(route, 'methods'),
        tlsVerify: booleanField(service, 'tls_verify') ?? false,
        hasClientCertificate: recordField(service, 'client_certificate') !== undefined,
      };
    });
    return this.#matched;
  }

  async target(): Promise<UpstreamTarget | 'load-balanced'> {
    const balancer = await this.#pdk.nginx.get_ctx('balancer_data');
    const host = stringField(balancer, 'host') ?? '';
    const type = stringField(balancer, 'type');
    const isUpstream =
      type === 'name' &&
      (await this.#entities.isUpstream(
        host,
        async () => (await this.#pdk.service.set_upstream(host)) === true,
      ));
    if (isUpstream) {
      return 'load-balanced';
    }
    // balancer_data.scheme misses another plugin's set_scheme.
    const scheme = (await this.#variables.get('upstream_scheme')) === 'https' ? 'https' : 'http';
    const port = Number(recordField(balancer, 'port') ?? (scheme === 'https' ? 443 : 80));
    return { scheme, host: fromUriHost(host), port };
  }

  async expectedBody(): Promise<ExpectedBody> {
    const length = await this.#variables.get('http_content_length');
    if (length !== '') {
      return { kind: 'length', bytes: Number(length) };
    }
    if ((await this.#variables.get('http_transfer_encoding')) !== '') {
      return { kind: 'chunked' };
    }
    const isHttp1 = (await this.#variables.get('server_protocol')).startsWith('HTTP/1');
    return { kind: isHttp1 ? 'none' : 'undeclared' };
  }

  async body(maxBytes: number): Promise<BodyOutcome> {
    const expected = await this.expectedBody();
    switch (expected.kind) {
      case 'none':
        return { kind: 'body', body: undefined };
      case 'chunked':
      case 'undeclared':
        return this.#bodyOfUnknownLength(maxBytes);
      case 'length':
        if (expected.bytes > maxBytes) {
          return { kind: 'too-large' };
        }
        return {
          kind: 'body',
          body: expected.bytes === 0 ? Buffer.alloc(0) : await this.#rawBody(maxBytes),
        };
    }
  }

  /**
   * Kong answers the client with 500 if a body exceeds the size that get_raw_body was given, and the size is unknown before the body
   * has been read. get_body reads the body, too, and ignores one that nginx wrote to disk.
   */
  async #bodyOfUnknownLength(maxBytes: number): Promise<BodyOutcome> {
    await this.#pdk.request.get_body('application/json', 1, 1);
    const received = Number((await this.#pdk.nginx.get_var('request_length')) ?? 0);
    if (received > maxBytes + LENGTH_SLACK_BYTES) {
      return { kind: 'too-large' };
    }
    const body = await this.#rawBody(maxBytes + LENGTH_SLACK_BYTES);
    return body.length > maxBytes ? { kind: 'too-large' } : { kind: 'body', body };
  }

  async #rawBody(maxBytes: number): Promise<Buffer> {
    const body = await this.#pdk.request.get_raw_body(maxBytes);
    return typeof body === 'string' ? Buffer.from(body, 'latin1') : (body ?? Buffer.alloc(0));
  }
}
