import type { Exchange, OwnAnswer } from './exchange';
import type { LuaTable } from '../rpc/lua-value';

const JSON_TYPE = 'application/json; charset=utf-8';

const MIME_TYPES: Record<string, string> = {
  'text/html': 'text/html; charset=utf-8',
  'application/json': JSON_TYPE,
  'text/plain': 'text/plain; charset=utf-8',
  'application/xml': 'application/xml; charset=utf-8',
  'application/*': JSON_TYPE,
  'text/*': 'text/plain; charset=utf-8',
  '*/*': JSON_TYPE,
};

/** What Kong says of a status that it was given no words for (kong/error_handlers.lua, kong/pdk/response.lua). */
export const STATUS_MESSAGES: Record<number, string> = {
  400: 'Bad request',
  401: 'Unauthorized',
  402: 'Payment required',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  406: 'Not acceptable',
  407: 'Proxy authentication required',
  408: 'Request timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length required',
  412: 'Precondition failed',
  413: 'Payload too large',
  414: 'URI too long',
  415: 'Unsupported media type',
  416: 'Range not satisfiable',
  417: 'Expectation failed',
  418: "I'm a teapot",
  421: 'Misdirected request',
  422: 'Unprocessable entity',
  423: 'Locked',
  424: 'Failed dependency',
  425: 'Too early',
  426: 'Upgrade required',
  428: 'Precondition required',
  429: 'Too many requests',
  431: 'Request header fields too large',
  451: 'Unavailable for legal reasons',
  494: 'Request header or cookie too large',
  500: 'An unexpected error occurred',
  501: 'Not implemented',
  502: 'An invalid response was received from the upstream server',
  503: 'The upstream server is currently unavailable',
  504: 'The upstream server is timing out',
  505: 'HTTP version not supported',
  506: 'Variant also negotiates',
  507: 'Insufficient storage',
  508: 'Loop detected',
  510: 'Not extended',
  511: 'Network authentication required',
};

/** `kong.response.error`: a message and the request's ID, in the form that the client's Accept asks for. */
export function errorAnswer(
  exchange: Exchange,
  status: number,
  message?: string,
  headers: LuaTable = {},
): OwnAnswer {
  const type = acceptedType(exchange.headers.all('accept').join(','));
  const text = message ?? STATUS_MESSAGES[status] ?? `The upstream server responded with ${status}`;
  return { status, body: template(type, text, exchange.id), headers: { ...headers, 'Content-Type': type } };
}

/**
 * What Kong's error handler answers where nginx gives up or an answer has no body: the request's Content-Type stands in
 * for a missing Accept, and plain text is the default. 494 is nginx's own and goes out as 400.
 */
export function errorPage(exchange: Exchange, status: number): OwnAnswer {
  const { headers } = exchange;
  const type = acceptedType(headers.first('accept') ?? headers.first('content-type') ?? 'text/plain');
  const text = STATUS_MESSAGES[status] ?? `The upstream server responded with ${status}`;
  return {
    status: status === 494 ? 400 : status,
    body: template(type, text, exchange.id),
    headers: { 'Content-Type': type },
  };
}

/** The media type with the highest weight among those that Kong has a template for; the first of equals. */
function acceptedType(accept: string): string {
  let best = JSON_TYPE;
  let bestWeight = 0;
  for (const item of accept.split(',')) {
    const [type = '', ...parameters] = item.trim().split(/\s*;\s*/);
    if (!type.includes('/')) continue;
    const weightText = parameters.map((parameter) => /^q=([\d.]+)$/.exec(parameter)?.[1]).find(Boolean);
    const weight = weightText === undefined ? 1 : Number(weightText);
    if (weight > bestWeight) {
      bestWeight = weight;
      best = MIME_TYPES[type] ?? JSON_TYPE;
    }
  }
  return best;
}

function template(type: string, message: string, id: string): string {
  if (type.startsWith('text/html')) return html(message, id);
  if (type.startsWith('text/plain')) return `${message}\nrequest_id: ${id}\n`;
  if (type.startsWith('application/xml')) return xml(message, id);
  return `{\n  "message":"${message}",\n  "request_id":"${id}"\n}`;
}

function html(message: string, id: string): string {
  return [
    '<!doctype html>',
    '<html>',
    '  <head>',
    '    <meta charset="utf-8">',
    '    <title>Error</title>',
    '  </head>',
    '  <body>',
    '    <h1>Error</h1>',
    `    <p>${message}.</p>`,
    `    <p>request_id: ${id}</p>`,
    '  </body>',
    '</html>',
    '',
  ].join('\n');
}

function xml(message: string, id: string): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<error>',
    `  <message>${message}</message>`,
    `  <requestid>${id}</requestid>`,
    '</error>',
    '',
  ].join('\n');
}
