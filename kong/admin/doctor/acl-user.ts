// The ACL user with the fewest permissions that suffices, as documented in docs/redis.md.
import { KeySpace } from '../../../plugins/async-request-reply/redis/keys';
import { ADMIN_COMMANDS, SUBSCRIPTIONS, SYSTEM_COMMANDS, type Sample } from './commands';

/** `system` is the plugin server and the workers. `admin` is this program, which needs a few more commands. */
export type Role = 'system' | 'admin';

/** Of CLIENT only the subcommand that is sent: others would let a user end the connections of others. */
const ruleOf = ([name, subcommand = '']: Sample): string =>
  `+${name === 'CLIENT' ? `${name}|${subcommand}` : name}`.toLowerCase();

/** The rules that follow the password in `ACL SETUSER`. */
export function aclRules(prefix: string, role: Role): string[] {
  const keys = new KeySpace(prefix);
  const own: Sample[] = role === 'admin' ? [...ADMIN_COMMANDS, ['MULTI'], ['DISCARD']] : [];
  const commands = [...SYSTEM_COMMANDS, ...SUBSCRIPTIONS.map((name): Sample => [name]), ...own].map(ruleOf);
  const channels = [keys.controlChannel(), keys.settledChannel('*')].map((name) => `&${name}`);
  return ['resetkeys', `~${prefix}:*`, 'resetchannels', ...channels, '-@all', ...commands.sort()];
}
