// What the access side can query about a request, whichever way to Kong it came by. kong-api/ implements it over the plugin-server
// protocol. Each method may cost a round trip to Kong: call only what the decision needs, in the order of need.
import type { HeaderField } from '../http/reply';
import type { UpstreamTarget } from '../http/upstream-request';

/** The part of a request that decides what it is. Strings are bytes as Latin-1. */
export interface RequestLine {
  /** As the client sent it. It tells polls from cancellations, and decides how a poll is answered. */
  readonly method: string;
  /** As earlier plugins left it: the upstream gets this one. */
  readonly upstreamMethod: string;
  /** As the client sent it: path, `?` and query. */
  readonly uri: string;
  /** The path prefix on the client's side of a proxy that Kong trusts; '' if the route does not use it. */
  readonly prefix: string;
  /** The query as earlier plugins left it. */
  readonly query: string;
  /** Values of the ID header joined by commas; '' if it is absent or empty. */
  readonly idHeader: string;
  readonly upgrade: string;
  /** The loopback token of a worker's request (loopback/loopback-token.ts), or what a client sent in that field; '' if absent. */
  readonly loopbackToken: string;
}

/** The address that the client sent its request to. */
export interface SentRequest {
  /** The host as the client may have named it; '' if it named none. An earlier plugin may have replaced the first. */
  readonly hosts: readonly [current: string, noted: string];
  /** The path prefix that a proxy which Kong trusts removed, or that the route strips. */
  readonly prefix: string;
}

/** Who sent the request, as Kong authenticated them. */
export interface Caller {
  readonly consumerId: string | undefined;
  readonly credentialId: string | undefined;
}

/** What Kong sends to the upstream in place of the client's fields of the same names. */
export interface ForwardedFields {
  /** Path and query after `strip_path` and the service's path. */
  readonly path: string;
  /** The client's Host, if the route preserves it. */
  readonly preservedHost: string;
  /** A field with an empty value is not sent, and neither is the client's field of that name. */
  readonly fields: readonly HeaderField[];
}

/** The service and route that Kong matched, as far as the plugin needs them. */
export interface MatchedRoute {
  readonly serviceId: string | undefined;
  readonly routeId: string | undefined;
  /** The name of the service, or of the route if it has no service. */
  readonly entityName: string | undefined;
  /** The methods that the route accepts; undefined means all. */
  readonly routeMethods: readonly string[] | undefined;
  readonly tlsVerify: boolean;
  readonly hasClientCertificate: boolean;
}

export type BodyOutcome =
  { readonly kind: 'body'; readonly body: Buffer | undefined } | { readonly kind: 'too-large' };

/** What a request states about its body before the body is read. */
export type ExpectedBody =
  /** `undeclared`: over HTTP/2 a request may have a body without stating it. */
  { readonly kind: 'none' | 'chunked' | 'undeclared' } | { readonly kind: 'length'; readonly bytes: number };

export interface GatewayRequest {
  line(): Promise<RequestLine>;
  /**
   * Every header field, names in lower case, repeated fields apart.
   *
   * @throws AsyncError `too-many-header-fields` if there may be more fields than Kong shows.
   */
  headers(): Promise<HeaderField[]>;
  /** The values of one header field, for fields that `line` does not have. */
  headerValues(name: string): Promise<string[]>;
  sent(): Promise<SentRequest>;
  caller(): Promise<Caller>;
  forwarded(): Promise<ForwardedFields>;
  matched(): Promise<MatchedRoute>;
  /** The address that Kong's balancer would connect to; `load-balanced` if the host is a Kong Upstream. */
  target(): Promise<UpstreamTarget | 'load-balanced'>;
  expectedBody(): Promise<ExpectedBody>;
  /** The body; undefined if the request has none and states no length. A body over `maxBytes` is not read. */
  body(maxBytes: number): Promise<BodyOutcome>;
}
