import { WORKSPACE_ID } from '../config/entity-id';
import type { Exchange } from './exchange';
import type { RouteMatch } from './router';
import { escapePath } from './uri';
import { SERVER_HEADER } from './send-answer';

/**
 * What Kong sets before the plugins run, once the route is known: balancer data and the variables that become the
 * upstream request's line and X-Forwarded-* fields (`access.before` in kong/runloop/handler.lua).
 */
export function prepareUpstream(exchange: Exchange, match: RouteMatch): void {
  const { context, set } = exchange;
  const { route, service } = match;
  context.route = route;
  context.service = service;
  context['workspace'] = WORKSPACE_ID;
  context['KONG_PROCESSING_START'] = exchange.startedAtMs;
  context['KONG_ACCESS_START'] = Date.now();
  context['request_uri'] = exchange.target;
  context['scheme'] = 'http';
  context['host_port'] = exchange.serverPort;
  context.balancer_data = {
    scheme: service?.protocol,
    type: service ? hostType(service.host) : 'name',
    host: service?.host,
    port: service?.port,
    try_count: 0,
    retries: service?.retries ?? 5,
    connect_timeout: service?.connect_timeout ?? 60000,
    send_timeout: service?.write_timeout ?? 60000,
    read_timeout: service?.read_timeout ?? 60000,
    tries: [],
  };
  set.set('upstream_scheme', service?.protocol ?? '');
  set.set('upstream_uri', escapePath(match.upstreamUri));
  set.set('upstream_host', match.upstreamHost ?? '');
  const isWebSocket = exchange.headers.first('upgrade')?.toLowerCase() === 'websocket';
  set.set('upstream_connection', isWebSocket ? 'keep-alive, Upgrade' : 'keep-alive');
  set.set('upstream_upgrade', isWebSocket ? 'websocket' : '');
  setForwarded(exchange, match.prefix);
}

/** What a peer says of X-Forwarded-* is replaced unless it is trusted, save for the list of addresses. */
function setForwarded(exchange: Exchange, prefix: string | null): void {
  const { headers, set, isTrusted, peerAddress, remoteAddress } = exchange;
  const forwardedFor = headers.first('x-forwarded-for');
  set.set('upstream_x_forwarded_for', forwardedFor ? `${forwardedFor}, ${peerAddress}` : remoteAddress);
  const untold = {
    proto: 'http',
    host: exchange.host,
    port: String(exchange.serverPort),
    path: exchange.rawPath,
    prefix: prefix === null || prefix === '/' ? '' : prefix,
  };
  for (const [name, value] of Object.entries(untold)) {
    const said = isTrusted ? headers.first(`x-forwarded-${name}`) : null;
    set.set(`upstream_x_forwarded_${name}`, said ?? value);
  }
  const via = headers.first('via');
  // The version is a number in Lua: 1.0 becomes 1.
  const own = `${Number(exchange.httpVersion)} ${SERVER_HEADER}`;
  set.set('upstream_via', via === null ? own : `${via}, ${own}`);
}

/** Kong's kinds of hosts; a name is resolved or balanced, an address is taken as it is. */
function hostType(host: string): 'ipv4' | 'ipv6' | 'name' {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return 'ipv4';
  return host.includes(':') ? 'ipv6' : 'name';
}
