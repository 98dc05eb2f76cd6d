import path from 'node:path';
import {
  startGateway,
  type Gateway,
  type GatewayOptions,
  type PluginServerOptions,
} from '../../helpers/gateway';
import { Releasers } from '../../helpers/stack/releasers';
import { EchoUpstream } from './echo-upstream';
import { sendRequest, type RawRequest, type RawResponse } from './raw-exchange';

const REPOSITORY = path.resolve(__dirname, '../../..');

/** A route of the fixture: `/NAME` goes to the upstream's `/`, with the plugins given. */
export interface FixtureRoute {
  /** Configuration of js-lab; without it the plugin is not on. */
  lab?: Record<string, unknown>;
  plugins?: Record<string, unknown>[];
  /** The path of the service's URL. */
  path?: string;
  service?: Record<string, unknown>;
  route?: Record<string, unknown>;
}

/** Calls of the PDK as js-lab's `script` takes them. */
export type Calls = [method: string, args: unknown[]][];

/** A route whose plugin makes the calls and answers with what came back, or lets the request pass. */
export function calling(calls: Calls, options: { passes?: boolean } & FixtureRoute = {}): FixtureRoute {
  const { passes, ...route } = options;
  return { ...route, lab: { mode: passes ? 'scriptpass' : 'script', script: JSON.stringify(calls) } };
}

/** A gateway with kong-pdk's own plugin server behind it, and an upstream. */
export interface KongFixture {
  gateway: Gateway;
  upstream: EchoUpstream;
  /** Sends to `/NAME`, or to the request's own target. */
  send(name: string, request?: Partial<RawRequest>): Promise<RawResponse>;
  /** The configuration with these routes, for `applyConfig`. */
  configWith(routes: Record<string, FixtureRoute>): object;
  stop(): Promise<void>;
}

/** kong-pdk's plugin server over one of the folders in spec/fixtures. */
export function stockPluginServer(folder = 'gateway-lab'): PluginServerOptions {
  const bin = path.join(REPOSITORY, 'node_modules/kong-pdk/bin/kong-js-pluginserver');
  const plugins = ['-d', path.join(REPOSITORY, 'spec/fixtures', folder)];
  return {
    command: [process.execPath, bin, ...plugins, '-p', '{prefix}'],
    queryCommand: [process.execPath, bin, ...plugins, '--dump-all-plugins'],
  };
}

/** @throws when a part does not start, after the others have ended */
export async function startKongFixture(
  routes: Record<string, FixtureRoute>,
  options: Partial<GatewayOptions> & { extra?: object } = {},
): Promise<KongFixture> {
  const { extra, ...gatewayOptions } = options;
  const releasers = new Releasers();
  try {
    const upstream = await releasers.use(EchoUpstream.start(), (started) => started.stop());
    const configWith = (given: Record<string, FixtureRoute>): object => ({
      _format_version: '3.0',
      services: Object.entries(given).map(([name, route]) => service(name, route, upstream.port)),
      ...extra,
    });
    const starting = startGateway({
      config: configWith(routes),
      pluginServer: stockPluginServer(),
      workers: 1,
      nginxInclude: false,
      ...gatewayOptions,
    });
    const gateway = await releasers.use(starting, (started) => started.stop());
    return {
      gateway,
      upstream,
      send: (name, request) => sendRequest(gateway.proxyPort, { target: `/${name}`, ...request }),
      configWith,
      stop: () => releasers.release(),
    };
  } catch (error) {
    await releasers.release();
    throw error;
  }
}

function service(name: string, given: FixtureRoute, port: number): object {
  const lab = given.lab ? [{ name: 'js-lab', config: given.lab }] : [];
  const plugins = [...(given.plugins ?? []), ...lab];
  return {
    name: `service-${name}`,
    url: `http://127.0.0.1:${port}${given.path ?? ''}`,
    ...given.service,
    routes: [{ name, paths: [`/${name}`], ...given.route, plugins }],
  };
}

/** Runs a test with a fixture of its own, which is stopped whatever comes of it. */
export async function withKongFixture(
  routes: Record<string, FixtureRoute>,
  options: Parameters<typeof startKongFixture>[1],
  test: (fixture: KongFixture) => Promise<void>,
): Promise<void> {
  const fixture = await startKongFixture(routes, options);
  try {
    await test(fixture);
  } finally {
    await fixture.stop();
  }
}
