// Caches Kong's entities for a short time: reading them costs two round trips per request. An instance gets no notice when its
// service or route changes, so that the time has to be short.
import type { MatchedRoute } from '../access/gateway-request';

const CACHE_MS = 2000;

/** Maximum number of cached hosts: services are few, but templated hosts must not accumulate. */
const MAX_HOSTS = 1000;

interface Kept<T> {
  readonly value: T;
  readonly untilMs: number;
}

export class EntityCache {
  readonly #routeScoped: boolean;
  #matched: Kept<MatchedRoute> | undefined;
  readonly #upstreams = new Map<string, Kept<boolean>>();

  /** @param routeScoped whether every request of the instance matches the same route. */
  constructor(routeScoped: boolean) {
    this.#routeScoped = routeScoped;
  }

  async matched(load: () => Promise<MatchedRoute>): Promise<MatchedRoute> {
    const now = performance.now();
    if (this.#matched !== undefined && now < this.#matched.untilMs) {
      return this.#matched.value;
    }
    const value = await load();
    if (this.#routeScoped) {
      this.#matched = { value, untilMs: now + CACHE_MS };
    }
    return value;
  }

  /** Whether `host` names a Kong Upstream. */
  async isUpstream(host: string, load: () => Promise<boolean>): Promise<boolean> {
    const now = performance.now();
    const kept = this.#upstreams.get(host);
    if (kept !== undefined && now < kept.untilMs) {
      return kept.value;
    }
    const value = await load();
    if (this.#upstreams.size >= MAX_HOSTS) {
      this.#upstreams.clear();
    }
    this.#upstreams.set(host, { value, untilMs: now + CACHE_MS });
    return value;
  }
}
