import { errorAnswer } from '../http/error-answer';
import { addResponseHeader, setResponseHeader } from '../http/response-header';
import { checkHeaderValue, exitAnswer } from '../http/send-answer';
import { isLuaTable, LuaError, type LuaTable, type LuaValue } from '../rpc/lua-value';
import { stringArgument } from './arguments';
import { PhaseExit, type PdkMethod } from './pdk-call';

/** `kong.response.*` as far as the access phase may call it (kong/pdk/response.lua). */
export const responseMethods: Record<string, PdkMethod> = {
  'kong.response.exit': ({ exchange }, status, body, headers) => {
    exchange.answer = exitAnswer(status, body, headers);
    throw new PhaseExit();
  },
  'kong.response.error': ({ exchange }, status, message, headers) => {
    if (typeof status !== 'number' || status < 400 || status > 599) {
      throw new LuaError('code must be a number between 400 and 599');
    }
    const text = typeof message === 'string' ? message : undefined;
    exchange.answer = errorAnswer(exchange, status, text, isLuaTable(headers) ? headers : {});
    throw new PhaseExit();
  },
  'kong.response.set_status': (_scope, status) => {
    if (typeof status !== 'number' || status < 100 || status > 599) {
      throw new LuaError('code must be a number');
    }
    return null;
  },
  'kong.response.set_header': ({ exchange }, name, value) => {
    const field = stringArgument(name, 'header name');
    checkHeaderValue(field, value);
    setResponseHeader(exchange.responseHeaders, field, value);
    return null;
  },
  'kong.response.add_header': ({ exchange }, name, value) => {
    const field = stringArgument(name, 'header name');
    checkHeaderValue(field, value);
    addResponseHeader(exchange.responseHeaders, field, value);
    return null;
  },
  'kong.response.clear_header': ({ exchange }, name) => {
    exchange.responseHeaders.clear(stringArgument(name, 'header name').replaceAll('_', '-'));
    return null;
  },
  'kong.response.set_headers': ({ exchange }, headers) => {
    for (const [name, value] of Object.entries(headersTable(headers))) checkHeaderValue(name, value);
    for (const [name, value] of Object.entries(headersTable(headers))) {
      setResponseHeader(exchange.responseHeaders, name, value);
    }
    return null;
  },
  // These belong to later phases: in access they raise.
  'kong.response.get_status': wrongPhase,
  'kong.response.get_header': wrongPhase,
  'kong.response.get_headers': wrongPhase,
  'kong.response.get_raw_body': wrongPhase,
  'kong.response.set_raw_body': wrongPhase,
};

export function wrongPhase(): never {
  throw new LuaError('function cannot be called in access phase');
}

export function headersTable(headers: LuaValue): LuaTable {
  if (Array.isArray(headers) && headers.length === 0) return {};
  if (!isLuaTable(headers)) throw new LuaError('headers must be a table');
  return headers;
}
