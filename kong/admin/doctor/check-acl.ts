// Checks whether the ACL allows this user every command that the system sends, on its own keys and channels. It tries each
// command in a transaction that it discards: Redis checks the ACL when it queues a command, and runs none of them.
import type { RedisNode } from '../../../plugins/async-request-reply/redis/redis-client';
import type { KeySpace } from '../../../plugins/async-request-reply/redis/keys';
import type { AdminContext } from '../admin-context';
import { masters } from '../scan';
import { COMMANDS, SUBSCRIPTIONS } from './commands';
import { error, type CheckResult } from './finding';

export async function checkAcl({ redis, keys, settings }: AdminContext): Promise<CheckResult> {
  const refused = new Set<string>();
  for (const node of masters(redis)) {
    // A separate connection: the transaction would also queue the commands of others.
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
              `The ACL denies this user, on keys with the prefix "${settings.redis.key_prefix}": ${names.join(', ')}. See docs/redis.md.`,
            ),
          ],
  };
}

async function refusedCommands(probe: RedisNode, keys: KeySpace): Promise<string[]> {
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
      // A denied command fails with NOPERM. A key of another node (MOVED) has passed the ACL.
      if (failure instanceof Error && failure.message.startsWith('NOPERM')) {
        refused.push(name);
      }
    }
  };
  const arg = (text: string): string => names[text] ?? text;
  // If MULTI fails, stop here: the commands would be executed.
  await probe.call('MULTI');
  for (const [name, ...args] of COMMANDS) {
    await attempt(name, () => probe.call(name, ...args.map(arg)));
  }
  await probe.call('DISCARD');
  await attempt('SUBSCRIBE', () => probe.subscribe(arg('CHANNEL')));
  // ioredis does not settle the promise if another node has the channel. That, too, has passed the ACL.
  const moved = new Promise((resolve) => probe.once('moved', resolve));
  await attempt('SSUBSCRIBE', () => Promise.race([probe.ssubscribe(arg('SETTLED')), moved]));
  await attempt('SUNSUBSCRIBE', () => probe.sunsubscribe(arg('SETTLED')));
  return refused;
}
