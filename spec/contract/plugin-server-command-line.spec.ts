import { spawnSync } from 'node:child_process';
import { unpack } from 'msgpackr';
import { makePrefix, ServerProcess, serverCommand } from './plugin-server-fixture/server-process';

// The timeout fails a dump that does not end by itself.
const run = (plugin: string, ...args: string[]): { status: number | null; stdout: Buffer; stderr: Buffer } =>
  spawnSync(process.execPath, serverCommand(plugin, args), { timeout: 20_000 });

describe('plugin server, command line', () => {
  test.each(['--dump-all-plugins', '-dump-all-plugins'])(
    'prints one JSON array and exits 0 for %s',
    (option) => {
      const { status, stdout } = run('js-lab', option);
      expect(status).toBe(0);
      expect(JSON.parse(stdout.toString())).toEqual([
        {
          Name: 'js-lab',
          Version: '1.0.0',
          Priority: 500,
          Phases: ['log', 'access'],
          Schema: {
            name: 'js-lab',
            fields: [{ config: { type: 'record', fields: [{ mode: { type: 'string', required: true } }] } }],
          },
        },
      ]);
    },
  );

  test('prints nothing but the JSON for a plugin that prints as it loads and leaves a timer behind', () => {
    const { status, stdout, stderr } = run('noisy', '--dump-all-plugins');
    expect(status).toBe(0);
    expect(JSON.parse(stdout.toString())).toEqual([
      expect.objectContaining({ Name: 'noisy', Version: '2.0.0' }),
    ]);
    expect(stdout.toString()).toContain('ünïcödé');
    expect(stderr.toString()).toContain('{"not":"the dump"}\nneither is this');
  });

  test('prints one plugin as MsgPack', () => {
    const { status, stdout } = run('js-lab', '--dump-plugin-info', 'js-lab');
    expect(status).toBe(0);
    expect(unpack(stdout)).toMatchObject({ Name: 'js-lab', Priority: 500 });
  });

  test.each([
    ['a plugin that does not exist', 'js-lab', ['--dump-plugin-info', 'nothing'], /nothing/],
    ['a plugin that does not load', 'broken', ['--dump-all-plugins'], /broken at import/],
    ['a directory that does not exist', 'nowhere', [], /ENOENT/],
    [
      'a prefix that does not exist',
      'js-lab',
      ['-p', '/nowhere'],
      /There is no directory \/nowhere for the socket/,
    ],
    [
      'a socket path that is too long',
      'js-lab',
      ['-p', `/tmp/${'x'.repeat(120)}`],
      /is too long by \d+ bytes/,
    ],
  ])('exits 1 with a reason and an empty stdout for %s', (_, plugin, args, reason) => {
    const { status, stdout, stderr } = run(plugin, ...args);
    expect(status).toBe(1);
    expect(stdout.toString()).toBe('');
    expect(stderr.toString()).toMatch(reason);
  });

  test('serves a plugin that prints', async () => {
    const { prefix, remove } = makePrefix();
    const server = await ServerProcess.start(prefix, { plugin: 'noisy' });
    await server.logged('nor this');
    await server.kill();
    remove();
  });
});
