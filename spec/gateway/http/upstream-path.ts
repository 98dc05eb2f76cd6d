/** How Kong joins the service's path with what the route leaves of the request's, for `path_handling: v0`. */
export function joinUpstreamPath(options: {
  base: string;
  postfix: string;
  requestPath: string;
  strip: boolean;
}): string {
  const { base, postfix, requestPath, strip } = options;
  if (!strip) {
    if (base.endsWith('/')) return base + requestPath.slice(1);
    return requestPath === '/' ? base : base + requestPath;
  }
  if (postfix === '') return joinNothing(base, requestPath);
  if (base.endsWith('/')) return postfix.startsWith('/') ? base.slice(0, -1) + postfix : base + postfix;
  return postfix.startsWith('/') ? base + postfix : `${base}/${postfix}`;
}

/** The same for `path_handling: v1`, which only concatenates. */
export function joinUpstreamPathV1(options: {
  base: string;
  postfix: string;
  requestPath: string;
  strip: boolean;
}): string {
  const { base, postfix, requestPath, strip } = options;
  if (!strip) return base + requestPath.slice(1);
  return base.endsWith('/') && postfix.startsWith('/') ? base.slice(0, -1) + postfix : base + postfix;
}

/** The route took the whole path: the trailing slash is the request's. */
function joinNothing(base: string, requestPath: string): string {
  if (!base.endsWith('/')) return requestPath.length > 1 && requestPath.endsWith('/') ? `${base}/` : base;
  if (base === '/') return '/';
  return requestPath.endsWith('/') ? base : base.slice(0, -1);
}
