/** The connection to Redis, named as Kong's own plugins name theirs (open source and Enterprise). */
import { field } from '../field';
import { values } from '../values';

const nodePort = field.integer('TCP port of the node.', 1, 65535, { default: 6379 });

const clusterNodeSchema = field.optionalRecord('RedisClusterNode', 'One node of a Redis Cluster.', [], {
  ip: field.string('IP address or host name of the node.', { ...values.host, default: '127.0.0.1' }),
  port: nodePort,
});

const sentinelNodeSchema = field.optionalRecord('RedisSentinelNode', 'One Sentinel.', [], {
  host: field.string('IP address or host name of the Sentinel.', { ...values.host, default: '127.0.0.1' }),
  port: nodePort,
});

export const redisSchema = field.record(
  'RedisConfig',
  'Connection to the Redis that stores the jobs. Redis must run with maxmemory-policy noeviction and with the append-only file.',
  {
    host: field.string('Host of Redis if neither Redis Cluster nor Sentinel is used.', {
      ...values.host,
      default: '127.0.0.1',
    }),
    port: field.integer('Port of Redis.', 1, 65535, { default: 6379 }),
    username: field.string('ACL user name. Without it only the password is sent.', values.referenceable),
    password: field.string('Password for Redis.', values.secret),
    database: field.integer('Number of the database. Redis Cluster has database 0 only.', 0, 65535, {
      default: 0,
    }),
    ssl: field.flag('Whether to connect with TLS.', { default: false }),
    ssl_verify: field.flag('Whether the certificate of Redis is verified.', { default: false }),
    server_name: field.string(
      'Server name for TLS: it is sent as SNI and verified against the certificate.',
      {
        ...values.serverName,
        'x-default': 'the host',
      },
    ),
    connect_timeout: field.timeout('Time limit for a connection to Redis, in milliseconds.', 2000),
    read_timeout: field.timeout('Time limit for a reply of Redis, in milliseconds.', 2000),
    cluster_nodes: field.list('Nodes for the first connection to a Redis Cluster.', clusterNodeSchema, {
      minItems: 1,
    }),
    sentinel_master: field.string('Name of the master that the Sentinels monitor; requires sentinel_nodes.', {
      pattern: '^[A-Za-z0-9._-]+$',
      maxLength: 255,
      'x-says': 'a name of letters, digits, ".", "_" and "-"',
    }),
    sentinel_nodes: field.list(
      'Sentinels that return the address of the master; requires sentinel_master.',
      sentinelNodeSchema,
      {
        minItems: 1,
      },
    ),
    sentinel_username: field.string('ACL user name for the Sentinels.', values.referenceable),
    sentinel_password: field.string('Password for the Sentinels.', values.secret),
    min_replicas: field.integer(
      'Number of replicas that must have received a job before the client gets 202. If there are fewer, the job is rejected with 503. 0 waits for none.',
      0,
      100,
      { default: 0 },
    ),
    key_prefix: field.string(
      'Prefix of every key in Redis. Gateways and workers that share jobs must use the same prefix.',
      {
        ...values.queueName,
        default: 'arr',
        'x-name': 'key_prefix',
      },
    ),
  },
);
