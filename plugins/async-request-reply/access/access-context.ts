// What the functions of the access side have in common, handed on as one value.
import type { AccessStore } from '../accept/access-store';
import type { GatewayRequest, RequestLine } from './gateway-request';
import type { RouteSettings } from './route/route-settings';

/** A route and its store: enough to accept a job and to answer for it. */
export interface RouteContext {
  readonly settings: RouteSettings;
  readonly store: AccessStore;
}

/** The same for one request. */
export interface AccessContext extends RouteContext {
  readonly request: GatewayRequest;
  readonly line: RequestLine;
  readonly log: AccessLog;
}

/** What the access side reports to the operator. */
export interface AccessLog {
  /** An unexpected error. Its message must not reach a client. */
  error(error: unknown): void;
  /** Advice about the route's configuration. Each text is logged once per instance. */
  warnOnce(text: string): void;
}
