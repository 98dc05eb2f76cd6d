import { VARIABLE_NAMES } from '../../../plugins/async-request-reply/kong-api/nginx-variables';
import { parseArguments } from '../../../kong/plugin-server/parse-arguments';
import { INSTALLED, missingPaths, readText } from './files';
import { settingsFrom } from './process-settings';

/** The keys of a kong.conf. */
function readConf(path: string): Record<string, string> {
  const lines = readText(path)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const [, key = '', value = ''] = /^(\w+) = (\S.*)$/.exec(line) ?? [];
      return [key, value];
    }),
  );
}

const START = 'pluginserver_async_request_reply_start_cmd';
const QUERY = 'pluginserver_async_request_reply_query_cmd';
const SOCKET = 'pluginserver_async_request_reply_socket';
const managed = readConf('kong/kong.conf.example');
const unmanaged = readConf('kong/kong.unmanaged.conf.example');

/** A command line's variables, and what our plugin server makes of its arguments. */
function readCommand(command: string): {
  variables: Record<string, string>;
  options: ReturnType<typeof parseArguments>;
} {
  const words = command.split(' ');
  const variables = words.filter((word) => /^[A-Z_]+=/.test(word)).map((word) => word.split('=', 2));
  const script = words.findIndex((word) => word === `${INSTALLED}/dist/kong/plugin-server.js`);
  expect(script).toBeGreaterThan(0);
  return {
    variables: Object.fromEntries(variables) as Record<string, string>,
    options: parseArguments(words.slice(script + 1)),
  };
}

describe.each([
  ['kong.conf.example', managed],
  ['kong.unmanaged.conf.example', unmanaged],
])('%s', (file, conf) => {
  test('names only what the package has', () => {
    expect(Object.keys(conf)).not.toContain('');
    expect(missingPaths(readText(`kong/${file}`))).toEqual([]);
  });

  test("lets Kong find the schema and keeps Kong's own path", () => {
    const [first, ...others] = (conf['lua_package_path'] ?? '').split(';');
    const file = first?.replace('?', 'kong/plugins/async-request-reply/schema');
    expect(missingPaths(file ?? '')).toEqual([]);
    expect(others).toEqual(['./?.lua', './?/init.lua', '']);
  });

  test('asks the plugin server for its dump', () => {
    expect(readCommand(conf[QUERY] ?? '').options.dumpAllPlugins).toBe(true);
  });
});

test('the two differ in who starts the plugin server and where its socket is', () => {
  const { [START]: start, log_level: logLevel, ...managedRest } = managed;
  const { [SOCKET]: socket, ...unmanagedRest } = unmanaged;
  expect(unmanagedRest).toEqual(managedRest);
  // At Kong's default there is nothing of a managed plugin server's log.
  expect(logLevel).toBe('info');
  expect(socket).toBe('/run/async-request-reply/async-request-reply.socket');
  const { options, variables } = readCommand(start ?? '');
  // Kong's default is PREFIX/NAME.socket.
  expect(options.sockName).toBe(`${managed['pluginserver_names'] ?? ''}.socket`);
  expect(() => settingsFrom(variables)).not.toThrow();
});

test('a managed command names its programs by absolute paths', () => {
  for (const command of [managed[START] ?? '', managed[QUERY] ?? '']) {
    const program = command.split(' ').filter((word) => !/^[A-Z_]+=/.test(word));
    expect(program[0]).toMatch(/^\//);
    if (program[0] === '/usr/bin/env') expect(program[1]).toMatch(/^\//);
  }
});

test('the nginx include lists the facts in the order in which the plugin reads them', () => {
  const map = /map \$kong_request_id \$arr_request \{\s+volatile;\s+default "([^"]+)";\s+\}/.exec(
    readText('kong/nginx/async-request-reply.conf'),
  );
  expect(map?.[1]?.split('\\n')).toEqual(['arr3', ...VARIABLE_NAMES.map((name) => `$${name}`)]);
});
