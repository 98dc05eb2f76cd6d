import { luaJson } from '../rpc/lua-json';
import { LuaError, type LuaTable, type LuaValue } from '../rpc/lua-value';
import { errorAnswer, errorPage } from './error-answer';
import type { Exchange, OwnAnswer } from './exchange';
import { isUnspoken, ERROR_PAGES, PAGE_TITLES } from './nginx-status';
import { NOT_IN_NOT_MODIFIED, precondition } from './preconditions';
import { setResponseHeader } from './response-header';
import { writeResponse } from './write-response';

export const SERVER_HEADER = 'kong/3.9.3';

const VALIDATORS = ['etag', 'last-modified', 'accept-ranges'];

/**
 * Sends an answer of Kong's own, with what `send` in kong/pdk/response.lua and nginx make of it: tables become JSON,
 * a missing body is no body below 300 and an error page from there on, Content-Length is computed unless given.
 */
export function sendAnswer(exchange: Exchange, answer: OwnAnswer): void {
  const { responseHeaders } = exchange;
  for (const [name, value] of Object.entries(answer.headers)) setResponseHeader(responseHeaders, name, value);
  const given = new Set(Object.keys(answer.headers).map((name) => name.toLowerCase().replaceAll('_', '-')));
  if (answer.body === null) {
    sendWithoutBody(exchange, answer, given);
    return;
  }
  const isTable = typeof answer.body !== 'string';
  const text = isTable ? luaJson(answer.body, 'object') : (answer.body as string);
  if (isTable && !given.has('content-type')) {
    responseHeaders.set('Content-Type', 'application/json; charset=utf-8');
  }
  if (!given.has('content-length')) responseHeaders.set('Content-Length', String(text.length));
  finish(exchange, answer.status, Buffer.from(text, 'latin1'));
}

function sendWithoutBody(exchange: Exchange, answer: OwnAnswer, given: Set<string>): void {
  const { status } = answer;
  if (ERROR_PAGES.has(status)) {
    sendErrorPage(exchange, status);
    return;
  }
  const title = PAGE_TITLES[status];
  if (title !== undefined) {
    sendNginxPage(exchange, status, `${status} ${title}`);
    return;
  }
  // nginx takes it for a special response, which has no validators.
  if (status === 201 || status === 204 || status >= 300) {
    for (const name of VALIDATORS) exchange.responseHeaders.clear(name);
  }
  if (status === 204) exchange.responseHeaders.clear('content-length');
  else if (!given.has('content-length')) exchange.responseHeaders.set('Content-Length', '0');
  finish(exchange, status, Buffer.alloc(0));
}

/** Kong's error handler takes over: the fields stay, the body is its own. */
function sendErrorPage(exchange: Exchange, status: number): void {
  exchange.responseHeaders.clear('content-length');
  sendAnswer(exchange, errorPage(exchange, status));
}

/** nginx's built-in page for a status that Kong has no handler for. */
function sendNginxPage(exchange: Exchange, status: number, title: string): void {
  const page = [
    '<html>',
    `<head><title>${title}</title></head>`,
    '<body>',
    `<center><h1>${title}</h1></center>`,
    '</body>',
    '</html>',
    '',
  ].join('\r\n');
  exchange.responseHeaders.set('Content-Type', 'text/html');
  exchange.responseHeaders.set('Content-Length', String(page.length));
  finish(exchange, status, Buffer.from(page));
}

function finish(exchange: Exchange, status: number, body: Buffer): void {
  const { responseHeaders } = exchange;
  if (isUnspoken(status)) {
    if (status >= 200 || !exchange.response.shouldKeepAlive) exchange.response.destroy();
    return;
  }
  if (!/^\d+$/.test(responseHeaders.first('content-length') ?? '0')) {
    sendErrorPage(exchange, 500);
    return;
  }
  for (const observer of exchange.observers) {
    observer.onHead(status);
    observer.onBody?.(body);
    observer.onEnd?.();
  }
  setLatency(exchange);
  if (responseHeaders.first('via') !== SERVER_HEADER) responseHeaders.set('Server', SERVER_HEADER);
  responseHeaders.set('X-Kong-Request-Id', exchange.id);
  const condition = status === 200 ? precondition(exchange) : 'none';
  if (condition === 'failed') exchange.response.destroy();
  if (condition === 'not-modified') for (const name of NOT_IN_NOT_MODIFIED) responseHeaders.clear(name);
  writeResponse(exchange, condition === 'not-modified' ? 304 : status, body);
}

function setLatency({ isProxied, responseHeaders, startedAtMs }: Exchange): void {
  const latencyMs = String(Date.now() - startedAtMs);
  if (!isProxied) {
    responseHeaders.set('X-Kong-Response-Latency', latencyMs);
    return;
  }
  responseHeaders.set('X-Kong-Upstream-Latency', '0');
  responseHeaders.set('X-Kong-Proxy-Latency', latencyMs);
  responseHeaders.set('Via', `1.1 ${SERVER_HEADER}`);
}

/** Kong's answer to a Lua error in a plugin. */
export function unexpectedAnswer(exchange: Exchange): OwnAnswer {
  return errorAnswer(exchange, 500, 'An unexpected error occurred');
}

/** Checks what `kong.response.exit` was given. @throws LuaError as Kong does */
export function exitAnswer(status: LuaValue, body: LuaValue, headers: LuaValue): OwnAnswer {
  if (typeof status !== 'number') throw new LuaError('code must be a number');
  if (status < 100 || status > 599) throw new LuaError('code must be a number between 100 and 599');
  const isBody = body === undefined || body === null || typeof body === 'string' || typeof body === 'object';
  if (!isBody) throw new LuaError('body must be a nil, string or table');
  if (headers !== undefined && headers !== null && typeof headers !== 'object') {
    throw new LuaError('headers must be a nil or table');
  }
  if (Array.isArray(headers) && headers.length > 0) throw new LuaError('invalid header name "1": got number');
  const table = (headers ?? {}) as LuaTable;
  for (const [name, value] of Object.entries(table)) checkHeaderValue(name, value);
  return { status: Math.floor(status), body: (body ?? null) as OwnAnswer['body'], headers: table };
}

/** @throws LuaError for a value that is no string, number, boolean or array of strings */
export function checkHeaderValue(name: string, value: LuaValue): void {
  const isScalar = ['string', 'number', 'boolean'].includes(typeof value);
  // A table that is no array has no elements to Lua's `ipairs`: it passes, and makes no field.
  const items = Array.isArray(value) ? untilHole(value) : [];
  if (
    isScalar ||
    (typeof value === 'object' && value !== null && items.every((v) => typeof v === 'string'))
  ) {
    return;
  }
  throw new LuaError(`invalid header value for "${name}"`);
}

/** The elements that Lua's `ipairs` sees: those before the first nil. */
function untilHole(items: LuaValue[]): LuaValue[] {
  const hole = items.findIndex((item) => item === null || item === undefined);
  return hole < 0 ? items : items.slice(0, hole);
}
