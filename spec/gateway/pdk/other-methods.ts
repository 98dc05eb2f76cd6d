import { randomUUID } from 'node:crypto';
import os from 'node:os';
import type { LogLevel } from '../gateway-log';
import { nginxVariable } from '../http/nginx-variables';
import { LuaError, type LuaValue } from '../rpc/lua-value';
import { stringArgument } from './arguments';
import type { PdkMethod } from './pdk-call';
import { wrongPhase } from './response-methods';

const NODE_ID = randomUUID();

/** `kong.nginx`, `kong.ctx`, `kong.client`, `kong.router`, `kong.log`, `kong.ip`, `kong.node`. */
export const otherMethods: Record<string, PdkMethod> = {
  'kong.nginx.get_var': ({ exchange, maps }, name) => {
    if (name === undefined || name === null) throw new LuaError('bad variable name');
    return typeof name === 'string' ? nginxVariable(exchange, maps, name) : null;
  },
  'kong.nginx.get_ctx': ({ exchange }, key) => exchange.context[stringArgument(key, 'key')],
  'kong.nginx.set_ctx': ({ exchange }, key, value) => {
    exchange.context[stringArgument(key, 'key')] = value;
    return null;
  },
  'kong.nginx.get_subsystem': () => 'http',
  'kong.nginx.req_start_time': ({ exchange }) => exchange.startedAtMs / 1000,
  'kong.nginx.get_tls1_version_str': () => null,
  'kong.ctx.shared.get': ({ exchange }, key) => exchange.shared.get(stringArgument(key, 'key')),
  'kong.ctx.shared.set': ({ exchange }, key, value) => {
    exchange.shared.set(stringArgument(key, 'key'), value);
    return null;
  },
  'kong.client.get_ip': ({ exchange }) => exchange.peerAddress,
  'kong.client.get_forwarded_ip': ({ exchange }) => exchange.remoteAddress,
  'kong.client.get_port': ({ exchange }) => exchange.incoming.socket.remotePort ?? 0,
  'kong.client.get_forwarded_port': ({ exchange }) => exchange.incoming.socket.remotePort ?? 0,
  'kong.client.get_credential': ({ exchange }) => exchange.context.authenticated_credential,
  'kong.client.get_consumer': ({ exchange }) => exchange.context.authenticated_consumer,
  'kong.client.load_consumer': ({ entities }, id) => {
    if (typeof id !== 'string') throw new LuaError('consumer_id must be a string');
    return entities.consumers.get(id) ?? null;
  },
  'kong.client.get_protocol': () => 'http',
  'kong.router.get_route': ({ exchange }) => exchange.context.route,
  'kong.router.get_service': ({ exchange }) => exchange.context.service,
  'kong.ip.is_trusted': ({ exchange }, address) => exchange.trusts(stringArgument(address, 'address')),
  'kong.node.get_id': () => NODE_ID,
  'kong.node.get_hostname': () => os.hostname(),
  'kong.log.serialize': wrongPhase,
  'kong.log': logAt('notice'),
  'kong.log.debug': logAt('debug'),
  'kong.log.info': logAt('info'),
  'kong.log.notice': logAt('notice'),
  'kong.log.warn': logAt('warn'),
  'kong.log.err': logAt('error'),
  'kong.log.crit': logAt('error'),
  'kong.log.alert': logAt('error'),
  'kong.log.emerg': logAt('error'),
};

function logAt(level: LogLevel): PdkMethod {
  return ({ log, pluginName }, ...words) => {
    log.write(level, `[${pluginName}] ${words.map(text).join('')}`);
    return null;
  };
}

function text(value: LuaValue): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nil');
}
