import { errorAnswer } from './error-answer';
import type { Exchange, OwnAnswer } from './exchange';

/** Fields that nginx takes once only. */
const UNIQUE = ['host', 'content-length', 'transfer-encoding', 'authorization', 'expect'];

/** What nginx refuses before Kong sees it, or null. */
export function requestRefusal(exchange: Exchange): OwnAnswer | null {
  if (exchange.method === 'TRACE' || exchange.method === 'CONNECT') return errorAnswer(exchange, 405);
  if (UNIQUE.some((name) => exchange.headers.all(name).length > 1)) return errorAnswer(exchange, 400);
  return null;
}
