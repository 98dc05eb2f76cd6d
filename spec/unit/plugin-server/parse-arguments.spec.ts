import { resolve } from 'node:path';
import { parseArguments } from '../../../kong/plugin-server/parse-arguments';

const parse = (...args: string[]): ReturnType<typeof parseArguments> => parseArguments(args);

describe('parseArguments', () => {
  test('has a default for everything: the own plugin, at the socket where Kong expects a server of that name', () => {
    expect(parse()).toEqual({
      kongPrefix: '/usr/local/kong',
      sockName: 'async-request-reply.socket',
      pluginsDirectory: resolve(__dirname, '../../../plugins'),
      dumpAllPlugins: false,
      verbose: 0,
    });
  });

  test.each([
    ['-p', '/k'],
    ['--kong-prefix', '/k'],
    ['-kong-prefix', '/k'],
    ['--kong-prefix=/k'],
    ['-kong-prefix=/k'],
  ])('takes the prefix from %s', (...args) => {
    expect(parse(...args).kongPrefix).toBe('/k');
  });

  test.each(['-d', '--plugins-directory', '-plugins-directory'])(
    'makes the directory of %s absolute',
    (option) => {
      expect(parse(option, 'here').pluginsDirectory).toBe(resolve('here'));
    },
  );

  test.each(['--dump-all-plugins', '-dump-all-plugins'])('takes %s', (option) => {
    expect(parse(option).dumpAllPlugins).toBe(true);
  });

  test.each(['--dump-plugin-info', '-dump-plugin-info'])('takes a name after %s', (option) => {
    expect(parse(option, 'lab').dumpPluginInfo).toBe('lab');
  });

  test.each([
    [['-v'], 1],
    [['-v', '-v'], 2],
    [['-vv', '--verbose'], 3],
  ])('counts %j', (args, count) => {
    expect(parse(...args).verbose).toBe(count);
  });

  test('takes a socket name', () => {
    expect(parse('--sock-name', 's').sockName).toBe('s');
  });
});
