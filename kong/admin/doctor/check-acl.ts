// Whether the ACL lets this user send every command that the system sends, on its own keys and channel. Each is tried
// inside of a transaction that is discarded: Redis looks at the ACL when it queues a command, and runs none.
import type Redis from 'ioredis';
import { controlChannel, recordKey } from '../../../plugins/async-request-reply/store/keys';
import type { AdminContext } from '../admin-context';
import { masters } from '../scan';
import { COMMANDS, SUBSCRIBE } from './commands';
import { error, type CheckResult } from './finding';

export async function checkAcl({ redis, prefix }: AdminContext): Promise<CheckResult> {
  const key = recordKey(prefix, 'doctor');
  const channel = controlChannel(prefix);
  const refused = new Set<string>();
  for (const node of masters(redis)) {
    // A connection of its own: commands of others would be queued too.
    const probe = node.duplicate({ lazyConnect: true, enableOfflineQueue: true });
    probe.on('error', () => undefined);
    try {
      await probe.connect();
      (await refusedCommands(probe, key, channel)).forEach((name) => refused.add(name));
    } finally {
      probe.disconnect();
    }
  }
  const names = [...refused].sort();
  return {
    name: 'acl',
    seen: `${String(COMMANDS.length + 1)} commands allowed`,
    findings:
      names.length === 0
        ? []
        : [
            error(
              `The ACL refuses this user, on keys of the prefix "${prefix}": ${names.join(', ')}. See docs/redis.md.`,
            ),
          ],
  };
}

async function refusedCommands(probe: Redis, key: string, channel: string): Promise<string[]> {
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
  const arg = (text: string): string => (text === 'KEY' ? key : text === 'CHANNEL' ? channel : text);
  // Without MULTI nothing must be tried: it would be done.
  await probe.call('MULTI');
  for (const [name, ...args] of COMMANDS) {
    await attempt(name, () => probe.call(name, ...args.map(arg)));
  }
  await probe.call('DISCARD');
  await attempt(SUBSCRIBE, () => probe.subscribe(channel));
  return refused;
}
