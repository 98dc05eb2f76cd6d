import type { Route, Service } from '../config/entities';
import { normalizePath } from './uri';
import { joinUpstreamPath, joinUpstreamPathV1 } from './upstream-path';

export interface RouteMatch {
  route: Route;
  service: Service | null;
  upstreamUri: string;
  /** The Host to send, where the route preserves it. */
  upstreamHost: string | null;
  /** What `strip_path` took off. */
  prefix: string | null;
}

interface Candidate {
  route: Route;
  service: Service | null;
  path: string | null;
  regex: RegExp | null;
  weight: number;
  order: number;
}

interface Wanted {
  method: string;
  path: string;
  host: string | null;
  headers: (name: string) => string[];
}

/**
 * Kong's traditional router for HTTP: a route that names more kinds of things (host, headers, path, method) goes
 * before one that names fewer, a regular expression before a prefix, a longer prefix before a shorter one.
 */
export class Router {
  readonly #candidates: Candidate[];

  constructor(routes: { route: Route; service: Service | null }[]) {
    this.#candidates = routes.flatMap(({ route, service }, order) => candidatesOf(route, service, order));
    this.#candidates.sort(compareCandidates);
  }

  match(request: Wanted & { rawHost: string | null }): RouteMatch | null {
    const path = normalizePath(request.path, true);
    for (const candidate of this.#candidates) {
      if (!matchesRest(candidate.route, request)) continue;
      const prefix = matchedPrefix(candidate, path);
      if (prefix !== null) return outcome(candidate, path, prefix, request.rawHost);
    }
    return null;
  }
}

function candidatesOf(route: Route, service: Service | null, order: number): Candidate[] {
  const paths = (route['paths'] as string[] | undefined) ?? [];
  const lists = ['hosts', 'headers', 'methods'].filter((name) => route[name] !== undefined);
  const base = { route, service, order, weight: lists.length + (paths.length > 0 ? 1 : 0) };
  if (paths.length === 0) return [{ ...base, path: null, regex: null }];
  return paths.map((path) =>
    path.startsWith('~')
      ? { ...base, path: path.slice(1), regex: new RegExp(`^(?:${path.slice(1)})`) }
      : { ...base, path, regex: null },
  );
}

function compareCandidates(a: Candidate, b: Candidate): number {
  const isPlainHost = (c: Candidate): number =>
    ((c.route['hosts'] as string[] | undefined) ?? []).some((host) => !host.includes('*')) ? 1 : 0;
  const headers = (c: Candidate): number =>
    Object.keys((c.route['headers'] as object | undefined) ?? {}).length;
  const regexPriority = (c: Candidate): number => (c.route['regex_priority'] as number | undefined) ?? 0;
  return (
    b.weight - a.weight ||
    isPlainHost(b) - isPlainHost(a) ||
    Number(b.regex !== null) - Number(a.regex !== null) ||
    headers(b) - headers(a) ||
    (a.regex && b.regex ? regexPriority(b) - regexPriority(a) : 0) ||
    (b.path ?? '').length - (a.path ?? '').length ||
    a.order - b.order
  );
}

function matchesRest(route: Route, request: Wanted): boolean {
  const methods = route['methods'] as string[] | undefined;
  if (methods && !methods.some((method) => method.toUpperCase() === request.method)) return false;
  const hosts = route['hosts'] as string[] | undefined;
  if (hosts && !hosts.some((host) => matchesHost(host, request.host))) return false;
  const headers = route['headers'] as Record<string, string[]> | undefined;
  return Object.entries(headers ?? {}).every(([name, values]) => {
    const given = request.headers(name).map((value) => value.toLowerCase());
    return values.some((value) =>
      value.startsWith('~*')
        ? given.some((item) => new RegExp(value.slice(2), 'i').test(item))
        : given.includes(value.toLowerCase()),
    );
  });
}

function matchesHost(pattern: string, host: string | null): boolean {
  if (host === null) return false;
  const bare = host.replace(/:\d+$/, '');
  if (!pattern.includes('*')) return pattern === host || pattern === bare;
  const regex = new RegExp(`^${pattern.replaceAll('.', '\\.').replace('*', '.+')}$`, 'i');
  return regex.test(pattern.includes(':') ? host : bare);
}

/** @returns how much of the path the candidate takes, or null where it does not match */
function matchedPrefix(candidate: Candidate, path: string): string | null {
  if (candidate.path === null) return '';
  if (candidate.regex) return candidate.regex.exec(path)?.[0] ?? null;
  return path.startsWith(candidate.path) ? candidate.path : null;
}

function outcome(candidate: Candidate, path: string, prefix: string, rawHost: string | null): RouteMatch {
  const { route, service } = candidate;
  const hasPath = candidate.path !== null;
  // Without a path the route takes nothing, and the postfix is the path less its first slash.
  const postfix = sanitizePostfix(hasPath ? path.slice(prefix.length) : path.slice(1));
  const join = route['path_handling'] === 'v1' ? joinUpstreamPathV1 : joinUpstreamPath;
  const base = (service?.['path'] as string | undefined) ?? '/';
  return {
    route,
    service,
    // Seen on Kong: where there is no service there is no path either.
    upstreamUri: service === null ? '' : join({ base, postfix, requestPath: path, strip: route.strip_path }),
    upstreamHost: route.preserve_host ? rawHost : null,
    prefix: route.strip_path && hasPath ? prefix : null,
  };
}

function sanitizePostfix(postfix: string): string {
  if (postfix === '.' || postfix === '..') return '';
  return postfix.replace(/^\.\.?\//, '');
}
