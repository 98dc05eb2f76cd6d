// Every Redis command that the plugin server, the workers, BullMQ and this program send, including those in scripts, with
// sample arguments: a key where the real command has a key. spec/contract/admin-acl.spec.ts compares the lists with the
// scripts and with what a running system sends, and docs/redis.md with the lists.

export type Sample = readonly [name: string, ...args: string[]];

const parse = (samples: string): Sample[] =>
  samples
    .trim()
    .split(/[|\n]/)
    .map((sample) => sample.trim().split(' ') as [string, ...string[]]);

/** `KEY` is one of our keys; `CHANNEL` and `SETTLED` are our channels. The number of arguments is valid, since Redis checks it before the ACL. */
export const SYSTEM_COMMANDS: readonly Sample[] = parse(`
  BZPOPMIN KEY 1|CLIENT SETNAME x|COPY KEY KEY|DEL KEY|EVAL x 0|EVALSHA x 0|EXISTS KEY|GET KEY|HDEL KEY f|HEXISTS KEY f
  HGET KEY f|HGETALL KEY|HINCRBY KEY f 1|HLEN KEY|HMGET KEY f|HMSET KEY f v|HSET KEY f v|HSETNX KEY f v|INCR KEY|INFO
  LLEN KEY|LPOS KEY v|LPUSH KEY v|LRANGE KEY 0 0|LREM KEY 0 v|LTRIM KEY 0 0|PERSIST KEY|PEXPIRE KEY 1
  PEXPIREAT KEY 1|PTTL KEY|PUBLISH CHANNEL x|RPOPLPUSH KEY KEY|RPUSH KEY v|SADD KEY v|SCARD KEY|SET KEY v|SMEMBERS KEY
  SPUBLISH SETTLED x|SREM KEY v|TIME|UNLINK KEY|WAIT 0 1|XADD KEY * f v|XTRIM KEY MAXLEN 1|ZADD KEY 1 v|ZCARD KEY
  ZCOUNT KEY 0 1|ZPOPMIN KEY|ZRANGE KEY 0 0|ZRANGEBYSCORE KEY 0 1|ZRANK KEY v|ZREM KEY v|ZREMRANGEBYRANK KEY 0 0
  ZREMRANGEBYSCORE KEY 0 1|ZREVRANGE KEY 0 0|ZREVRANGEBYSCORE KEY 1 0|ZSCAN KEY 0|ZSCORE KEY v
`);

/** Commands that only this program sends. It also sends MULTI and DISCARD, and tries the others between the two. */
export const ADMIN_COMMANDS: readonly Sample[] = parse(`
  LINDEX KEY 0|RENAME KEY KEY|RPOP KEY|SCAN 0
`);

export const COMMANDS: readonly Sample[] = [...SYSTEM_COMMANDS, ...ADMIN_COMMANDS];

/** These cannot be tried with the others, since they change the mode of the connection. */
export const SUBSCRIPTIONS = ['SUBSCRIBE', 'SSUBSCRIBE', 'SUNSUBSCRIBE'] as const;
