// Whether the ACL lets this user send every command that the system sends, on its own keys and channel. Each is tried
// inside of a transaction that is discarded: Redis looks at the ACL when it queues a command, and runs none.
import type Redis from 'ioredis';
import type { KeySpace } from '../../../plugins/async-request-reply/redis/keys';
import type { AdminContext } from '../admin-context';
import { masters } from '../scan';
import { COMMANDS, SUBSCRIPTIONS } from './commands';
import { error, type CheckResult } from './finding';

export async function checkAcl({ redis, keys }: AdminContext): Promise<CheckResult> {
  const refused = new Set<string>();
  for (const node of masters(redis)) {
    // A connection of its own: commands of others would be queued too.
    const probe = node.duplicate({ lazyConnect: true, enableOfflineQueue: true });
    probe.on('error', () => undefined);
    try {
      await probe.connect();
      (await refusedCommands(probe, keys)).forEach((name) => refused.add(name));
    } finally {
      probe.disconnect();
    }
  }
  const names = [...refused].sort();
  return {
    name: 'acl',
    seen: `${String(COMMANDS.length + SUBSCRIPTIONS.length)} commands allowed`,
    findings:
      names.length === 0
        ? []
        : [
            error(
              `The ACL refuses this user, on keys of the prefix "${keys.prefix}": ${names.join(', ')}. See docs/redis.md.`,
            ),
          ],
  };
}

async function refusedCommands(probe: Redis, keys: KeySpace): Promise<string[]> {
  const names: Readonly<Record<string, string>> = {
    KEY: keys.record('doctor'),
    CHANNEL: keys.controlChannel(),
    SETTLED: keys.settledChannel('doctor'),
  };
  const refused: string[] = [];
  const attempt = async (name: string, send: () => Promise<unknown>): Promise<void> => {
    try {
      await send();
    } catch (failure) {
      // NOPERM is what Redis promises; a key of another node (MOVED) was past the ACL.
      if (failure instanceof Error && failure.message.startsWith('NOPERM')) {
        refused.push(name);
      }
    }
  };
  const arg = (text: string): string => names[text] ?? text;
  // Without MULTI nothing must be tried: it would be done.
  await probe.call('MULTI');
  for (const [name, ...args] of COMMANDS) {
    await attempt(name, () => probe.call(name, ...args.map(arg)));
  }
  await probe.call('DISCARD');
  await attempt('SUBSCRIBE', () => probe.subscribe(arg('CHANNEL')));
  // ioredis gives no answer where another node has the channel: that, too, was past the ACL.
  const moved = new Promise((resolve) => probe.once('moved', resolve));
  await attempt('SSUBSCRIBE', () => Promise.race([probe.ssubscribe(arg('SETTLED')), moved]));
  await attempt('SUNSUBSCRIBE', () => probe.sunsubscribe(arg('SETTLED')));
  return refused;
}
