// Whether a call that may have reached the upstream may be repeated.
import type { UpstreamRequestHead } from '../http/upstream-request';

/** RFC 9110, 9.2.2: several identical requests have the effect of one. */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * @param idempotencyHeader the field by which the upstream can deduplicate.
 * @param unsafeMethods the route allows repeating any method.
 */
export function isRepeatable(
  request: Pick<UpstreamRequestHead, 'method' | 'headers'>,
  idempotencyHeader: string,
  unsafeMethods: boolean,
): boolean {
  const name = idempotencyHeader.toLowerCase();
  return (
    unsafeMethods ||
    IDEMPOTENT_METHODS.has(request.method) ||
    request.headers.some(([field, value]) => field === name && value !== '')
  );
}
