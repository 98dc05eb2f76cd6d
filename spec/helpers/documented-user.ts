import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const PAGE = resolve(__dirname, '../../docs/redis.md');

/**
 * The rules of an ACL user as docs/redis.md tells users to make it: the words after its name, for the key prefix `arr`.
 * @throws when the page has no such user
 */
export function documentedUser(name: string): string[] {
  const line = readFileSync(PAGE, 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`ACL SETUSER ${name} `));
  if (line === undefined) throw new Error(`docs/redis.md has no ACL SETUSER ${name}`);
  return line.split(' ').slice(3);
}
