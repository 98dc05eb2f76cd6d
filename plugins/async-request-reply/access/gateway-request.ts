// What the access side may ask of a request, whichever lane it came by. kong-api/ answers over the plugin-server
// protocol. Every method may cost a round trip to Kong: ask for what the decision needs, in its order.
import type { HeaderField } from '../http/reply';
import type { UpstreamTarget } from '../http/upstream-request';

/** The part of a request that decides what it is. Strings are bytes as Latin-1. */
export interface RequestLine {
  /** As the client sent it: by it polls are told from cancellations, and answered. */
  readonly method: string;
  /** As earlier plugins left it: what the upstream gets. */
  readonly upstreamMethod: string;
  /** As the client sent it: path, `?` and query. */
  readonly uri: string;
  /** What stands before the path on the client's side of a proxy that Kong trusts; '' where the route does not ask. */
  readonly prefix: string;
  /** The query as earlier plugins left it. */
  readonly query: string;
  /** Values of the ID header joined by commas; '' where it is absent or empty. */
  readonly idHeader: string;
  readonly upgrade: string;
  /** The marker of a worker's request (loopback/loopback-token.ts), or what a stranger sent in its place; '' where there is none. */
  readonly loopbackToken: string;
}

/** Where the client sent its request. */
export interface SentRequest {
  /** What it may have called the host; '' where it gave none. The first is what a plugin before ours may have replaced. */
  readonly hosts: readonly [current: string, noted: string];
  /** What stood before the path where it was first sent to, by a proxy that Kong trusts, or what the route strips. */
  readonly prefix: string;
}

/** Who sent the request, as Kong authenticated them. */
export interface Caller {
  readonly consumerId: string | undefined;
  readonly credentialId: string | undefined;
}

/** What Kong will put into the request for the upstream, in the place of what the client sent under these names. */
export interface ForwardedFields {
  /** Path and query after `strip_path` and the service's path. */
  readonly path: string;
  /** The client's Host where the route preserves it. */
  readonly preservedHost: string;
  /** An empty one is not sent, nor is the client's. */
  readonly fields: readonly HeaderField[];
}

/** The service and route that Kong matched, as far as they matter here. */
export interface MatchedRoute {
  readonly serviceId: string | undefined;
  readonly routeId: string | undefined;
  /** The name of the service, or of the route where there is none. */
  readonly entityName: string | undefined;
  /** Methods that the route takes; undefined is all. */
  readonly routeMethods: readonly string[] | undefined;
  readonly tlsVerify: boolean;
  readonly hasClientCertificate: boolean;
}

export type BodyOutcome =
  { readonly kind: 'body'; readonly body: Buffer | undefined } | { readonly kind: 'too-large' };

/** What a request says of its body before that is read. */
export type ExpectedBody =
  /** `undeclared`: over HTTP/2 a body needs no announcement. */
  { readonly kind: 'none' | 'chunked' | 'undeclared' } | { readonly kind: 'length'; readonly bytes: number };

export interface GatewayRequest {
  line(): Promise<RequestLine>;
  /**
   * Every header field, names in lower case, repeated fields apart.
   *
   * @throws AsyncError `too-many-header-fields` where there may be more of them than can be seen.
   */
  headers(): Promise<HeaderField[]>;
  /** One header field's values, for those that `line` does not have. */
  headerValues(name: string): Promise<string[]>;
  sent(): Promise<SentRequest>;
  caller(): Promise<Caller>;
  forwarded(): Promise<ForwardedFields>;
  matched(): Promise<MatchedRoute>;
  /** Where Kong's balancer would connect to; `load-balanced` where the host is a Kong Upstream. */
  target(): Promise<UpstreamTarget | 'load-balanced'>;
  expectedBody(): Promise<ExpectedBody>;
  /** The body, undefined where the request has none and says no length. Nothing over `maxBytes` is read. */
  body(maxBytes: number): Promise<BodyOutcome>;
}
