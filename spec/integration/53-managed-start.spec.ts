// A plugin server that Kong starts and that cannot start: Kong's error log says why, at any level, and clients are told no lie.
import { resolve } from 'node:path';
import { startGateway, type Gateway } from '../helpers/gateway';
import { HttpClient } from '../helpers/http-client';
import { kongConfig } from '../helpers/stack/kong-config';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

const PLUGIN_SERVER = resolve(__dirname, '../../dist/kong/plugin-server.js');
const OURS = /^.* \[error\] .*\[async-request-reply\] the plugin server ended: (.*)$/m;

describe.each([
  [
    'a directory that is not there',
    ['-p', '{prefix}/nowhere'],
    [],
    /^There is no directory .*\/nowhere for the socket: make it/,
  ],
  [
    'a directory that cannot be written',
    ['-p', '/proc'],
    [],
    /^The directory \/proc cannot be written by user \d+/,
  ],
  [
    'a setting that cannot be',
    ['-p', '{prefix}'],
    ['ARR_WORKER_THREADS=99'],
    /ARR_WORKER_THREADS must be an integer from 0 to 64/,
  ],
])('with %s', (_what, args, env, sentence) => {
  let gateway: Gateway;

  useResources(async (resources) => {
    const starting = startGateway({
      config: kongConfig({ routes: [{ name: 'jobs' }] }, 'http://127.0.0.1:9'),
      workers: 1,
      pluginServer: {
        // Settings for it alone: with these the dump would fail too, and Kong not start.
        command: ['/usr/bin/env', ...env, process.execPath, PLUGIN_SERVER, ...args],
        queryCommand: [process.execPath, PLUGIN_SERVER, '--dump-all-plugins'],
        starts: false,
      },
    });
    gateway = await resources.use(starting, (started) => started.stop());
  });

  test('each start writes one sentence to the error log that states what to do', async () => {
    const sentences = await until('two starts', async () => {
      const found = [...(await gateway.log()).matchAll(new RegExp(OURS, 'gm'))].map(([, text]) => text);
      return found.length > 1 ? found : undefined;
    });
    for (const text of sentences) expect(text).toMatch(sentence);
  });

  test('requests return 500 and do not pass', async () => {
    const client = new HttpClient(gateway.proxyPort);
    expect((await client.request('/jobs')).status).toBe(500);
  });
});
