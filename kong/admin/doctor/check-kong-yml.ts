// Checks a declarative configuration for routes that fail open: they have the plugin but not the fail-closed guard, which
// rejects requests while the plugin server does not respond (docs/kong.md).
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { counted } from '../../process/counted';
import { CommandError } from '../report';
import { error, warning, type CheckResult, type Finding } from './finding';

const PLUGIN = 'async-request-reply';
const GUARD = 'post-function';
const TERMINATION = 'request-termination';

/** Recognizes kong/fail-closed.lua: it checks the target of the request and returns 503. */
const FAIL_CLOSED = /balancer_data[\s\S]*kong\.response\.exit\(\s*503\b/;

type Entity = Readonly<Record<string, unknown>>;

/** A route with the plugins that Kong may run on it, the most specific first. */
interface RouteView {
  readonly name: string;
  readonly hasService: boolean;
  readonly plugins: readonly Entity[];
}

/** @throws CommandError (2) if the file cannot be read or is not a declarative configuration. */
export async function checkKongYml(file: string): Promise<CheckResult> {
  const routes = routesOf(await load(file));
  return {
    name: 'fail-closed',
    seen: counted(routes.length, 'route'),
    findings: routes.flatMap(check),
  };
}

async function load(file: string): Promise<Entity> {
  let config: unknown;
  try {
    config = parse(await readFile(file, 'utf8'), { merge: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new CommandError(2, `${file} cannot be read: ${String(why)}`, { cause });
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new CommandError(2, `${file} is not a declarative configuration of Kong.`);
  }
  return config as Entity;
}

function check({ name, hasService, plugins }: RouteView): Finding[] {
  const plugin = plugins.find((one) => one['name'] === PLUGIN);
  if (plugin === undefined) {
    return [];
  }
  const terminates = isTerminated(plugins);
  const findings: Finding[] = [];
  if (terminates) {
    const message =
      `Route ${name} has ${TERMINATION}, which rejects requests on the handoff path with 503. ` +
      `Replace it with the ${GUARD} of kong/fail-closed.lua.`;
    findings.push(warning(message));
  }
  return terminates || hasGuard(plugins) ? findings : checkOpen(name, plugin, hasService);
}

/** Of plugins with the same name, Kong runs only the most specific one on a route. */
function hasGuard(plugins: readonly Entity[]): boolean {
  const guard = plugins.find((one) => one['name'] === GUARD);
  const functions = record(guard?.['config'])['access'];
  return Array.isArray(functions) && functions.some((lua) => FAIL_CLOSED.test(String(lua)));
}

/** With a trigger it terminates only the requests that have the trigger. */
function isTerminated(plugins: readonly Entity[]): boolean {
  const termination = plugins.find((one) => one['name'] === TERMINATION);
  return termination !== undefined && record(termination['config'])['trigger'] === undefined;
}

function checkOpen(name: string, plugin: Entity, hasService: boolean): Finding[] {
  const intercept = record(plugin['config'])['intercept'] ?? 'always';
  if (intercept === 'always') {
    const message =
      `Route ${name} has ${PLUGIN} with intercept always, but not the fail-closed ${GUARD}. ` +
      'If the plugin server does not respond, Kong proxies its requests to the upstream. Add kong/fail-closed.lua.';
    return [error(message)];
  }
  return intercept === 'never' && hasService
    ? [
        warning(
          `Route ${name} serves polls and has no fail-closed ${GUARD}. If the plugin server does not respond, Kong proxies polls to the upstream.`,
        ),
      ]
    : [];
}

function routesOf(config: Entity): RouteView[] {
  const everywhere = list(config['plugins']);
  const services = list(config['services']);
  const named = (kind: string, entity: Entity): Entity[] =>
    everywhere.filter((plugin) => points(plugin[kind], entity));
  const global = everywhere.filter((plugin) => isFree(plugin, 'route') && isFree(plugin, 'service'));
  const view = (route: Entity, service: Entity | undefined): RouteView => ({
    name: label(route),
    hasService: service !== undefined,
    plugins: [
      ...list(route['plugins']),
      ...named('route', route),
      ...(service === undefined ? [] : [...list(service['plugins']), ...named('service', service)]),
      ...global,
    ].filter((plugin) => plugin['enabled'] !== false && isFree(plugin, 'consumer')),
  });
  return [
    ...services.flatMap((service) => list(service['routes']).map((route) => view(route, service))),
    ...list(config['routes']).map((route) =>
      view(
        route,
        services.find((service) => points(route['service'], service)),
      ),
    ),
  ];
}

const record = (value: unknown): Entity =>
  typeof value === 'object' && value !== null ? (value as Entity) : {};

const list = (value: unknown): Entity[] => (Array.isArray(value) ? value.map(record) : []);

const isFree = (plugin: Entity, kind: string): boolean => (plugin[kind] ?? null) === null;

/** A reference is a name, an ID, or a record with one of the two. */
function points(reference: unknown, { id, name }: Entity): boolean {
  const target = typeof reference === 'object' ? record(reference) : { id: reference, name: reference };
  return (id !== undefined && target['id'] === id) || (name !== undefined && target['name'] === name);
}

function label(route: Entity): string {
  const name = route['name'] ?? route['id'];
  return typeof name === 'string' ? name : `(${JSON.stringify(route['paths'] ?? 'without a name')})`;
}
