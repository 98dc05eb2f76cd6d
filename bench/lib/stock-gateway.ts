// The peer: a gateway with kong-pdk's own plugin server and a plugin that does nothing but exit with a given answer. What
// it reaches is the most that any plugin in JavaScript can.
import path from 'node:path';
import { startGateway, type Gateway } from '../../spec/helpers/gateway';
import type { HttpResponse } from '../../spec/helpers/http-client';
import { kongConfig, type RouteOptions } from '../../spec/helpers/stack/kong-config';

const SERVER = require.resolve('kong-pdk/bin/kong-js-pluginserver');
const PLUGINS = path.join(__dirname, '../peers/plugins');

/** Fields that Kong or the connection adds. */
const NOT_THE_PLUGINS = /^(date|connection|server|content-length|keep-alive|x-kong-.*)$/i;

/** The last argument is for the process of the plugin server. */
export function startStockGateway(
  routes: readonly RouteOptions[],
  upstreamUrl: string,
  {
    nodeArguments = [],
    env = {},
  }: { nodeArguments?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<Gateway> {
  return startGateway({
    config: kongConfig({ routes }, upstreamUrl),
    workers: 1,
    nginxInclude: false,
    pluginServer: {
      command: [
        process.execPath,
        ...nodeArguments,
        SERVER,
        '-p',
        '{prefix}',
        '--sock-name',
        'stock.sock',
        '-d',
        PLUGINS,
      ],
      queryCommand: [process.execPath, SERVER, '-d', PLUGINS, '--dump-all-plugins'],
      env,
    },
  });
}

/** A route whose every request is answered with the status, the fields and as many bytes as `response` has. */
export function exitOnlyRoute(name: string, response: HttpResponse): RouteOptions {
  const fields = pluginFields(response);
  const headers = Object.fromEntries(fields.map(([field, value]) => [field, value]));
  const config = { status: response.status, headers: JSON.stringify(headers), body: response.text };
  return { name, config: false, plugins: [{ name: 'exit-only', config }] };
}

/** @throws if two responses differ in what a plugin sends: they could not be compared */
export function requireSameShape(ours: HttpResponse, peers: HttpResponse): void {
  const shape = (response: HttpResponse): string =>
    JSON.stringify([
      response.status,
      pluginFields(response)
        .map(([name]) => name.toLowerCase())
        .sort(),
      response.body.length,
    ]);
  if (shape(ours) !== shape(peers)) {
    throw new Error(`the peer answers otherwise: ${shape(ours)} and ${shape(peers)}`);
  }
}

const pluginFields = (response: HttpResponse): (readonly [string, string])[] =>
  response.fields.filter(([name]) => !NOT_THE_PLUGINS.test(name));
