import path from 'node:path';
import { REPOSITORY, type GatewaySetup } from './gateway-setup';

/** kong.conf for a Kong of its own in the prefix, without a database. */
export function kongConf(
  setup: GatewaySetup,
  ports: { proxy: number; admin: number },
  pluginName: string,
): string {
  const { prefix, pluginServer } = setup;
  const settings: [string, string | number | null][] = [
    ['prefix', prefix],
    ['database', 'off'],
    ['declarative_config', path.join(prefix, 'declarative.yml')],
    // Each worker has its own listening socket, so that connections reach all of them.
    ['proxy_listen', `127.0.0.1:${ports.proxy} reuseport backlog=16384`],
    ['admin_listen', `127.0.0.1:${ports.admin}`],
    ['admin_gui_listen', 'off'],
    ['status_listen', 'off'],
    ['plugins', `bundled,${pluginName}`],
    ['pluginserver_names', 'arr'],
    ['pluginserver_arr_socket', pluginServer.socketPath],
    ['pluginserver_arr_query_cmd', pluginServer.queryCommand],
    ['pluginserver_arr_start_cmd', pluginServer.isManaged ? pluginServer.startCommand : null],
    ['lua_package_path', `${REPOSITORY}/?.lua;;`],
    ['router_flavor', setup.routerFlavor],
    ['nginx_worker_processes', setup.workers],
    ['nginx_http_include', setup.nginxInclude],
    [
      'nginx_http_lua_socket_read_timeout',
      setup.pluginTimeoutMs === 60_000 ? null : `${setup.pluginTimeoutMs}ms`,
    ],
    ['trusted_ips', setup.trustedIps.length === 0 ? null : setup.trustedIps.join(',')],
    ['nginx_user', process.getuid?.() === 0 ? 'root root' : null],
    ['log_level', 'info'],
    ['anonymous_reports', 'off'],
    ['proxy_access_log', 'off'],
    ['admin_access_log', 'off'],
  ];
  return settings
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} = ${String(value).replaceAll('#', '\\#')}\n`)
    .join('');
}
