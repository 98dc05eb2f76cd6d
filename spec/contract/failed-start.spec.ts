// A start that fails says what was seen and leaves no process and no socket behind: what the specs stand on.
import { RedisServer } from '../helpers/redis-server';
import { startCluster, startSentinel } from '../helpers/redis-topology';
import { watchOpenHandles } from '../helpers/stack/open-handles';
import { Releasers } from '../helpers/stack/releasers';
import { startStack } from '../helpers/stack';

test.each<[string, () => Promise<unknown>, RegExp]>([
  [
    'a Redis with a setting that there is not',
    () => RedisServer.start({ settings: { 'no-such-setting': 'yes' } }),
    /redis-server ended: [^]*no-such-setting/,
  ],
  [
    'a Sentinel whose master speaks TLS without a certificate',
    () => startSentinel({ 'tls-cert-file': '/nowhere', 'tls-key-file': '/nowhere' }),
    /redis-server ended: [^]*TLS/,
  ],
  [
    'a Cluster of nodes that are not configured for one',
    () => startCluster({ 'cluster-enabled': 'no' }),
    /not configured as a cluster node/,
  ],
  [
    'a gateway whose configuration has a plugin that there is not',
    () => startStack({ routes: [{ name: 'bad', plugins: [{ name: 'nosuch' }] }] }),
    /nosuch/,
  ],
])('%s', async (_what, start, seen) => {
  const check = watchOpenHandles();
  await expect(start()).rejects.toThrow(seen);
  await check();
});

test('after a failed start everything that was started is stopped in reverse order, also what starts later', async () => {
  const ended: string[] = [];
  const resources = new Releasers();
  await resources.use('first', (name) => ended.push(name));
  await resources.use(Promise.resolve('second'), (name) => ended.push(name));
  await expect(resources.use(Promise.reject(new Error('no start')), String)).rejects.toThrow('no start');
  await resources.release();
  await resources.use('late', (name) => ended.push(name));
  await resources.release();

  expect(ended).toEqual(['second', 'first', 'late']);
});
