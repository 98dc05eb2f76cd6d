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
  'Where the jobs are kept. Redis must run noeviction, with AOF.',
  {
    host: field.string('Host of Redis, when neither Cluster nor Sentinel is used.', {
      ...values.host,
      default: '127.0.0.1',
    }),
    port: field.integer('Port of Redis.', 1, 65535, { default: 6379 }),
    username: field.string('ACL user name. Without it, the password alone is sent.', values.referenceable),
    password: field.string('Password for Redis.', values.secret),
    database: field.integer('Number of the database; Redis Cluster has only 0.', 0, 65535, { default: 0 }),
    ssl: field.flag('Whether to connect with TLS.', { default: false }),
    ssl_verify: field.flag('Whether the certificate of Redis is verified.', { default: false }),
    server_name: field.string('Name to ask for and to verify in TLS.', {
      ...values.serverName,
      'x-default': 'the host',
    }),
    connect_timeout: field.timeout('How long connecting to Redis may take, in milliseconds.', 2000),
    read_timeout: field.timeout('How long an answer of Redis may take, in milliseconds.', 2000),
    cluster_nodes: field.list('Nodes to start from when Redis is a Cluster.', clusterNodeSchema, {
      minItems: 1,
    }),
    sentinel_master: field.string('Name of the master that the Sentinels watch; needs sentinel_nodes.', {
      pattern: '^[A-Za-z0-9._-]+$',
      maxLength: 255,
      'x-says': 'a name of letters, digits, ".", "_" and "-"',
    }),
    sentinel_nodes: field.list(
      'Sentinels to ask for the master; needs sentinel_master.',
      sentinelNodeSchema,
      {
        minItems: 1,
      },
    ),
    sentinel_username: field.string('ACL user name for the Sentinels.', values.referenceable),
    sentinel_password: field.string('Password for the Sentinels.', values.secret),
    min_replicas: field.integer(
      'Replicas that must have a job before it is answered with 202; too few give 503. 0 asks none.',
      0,
      100,
      { default: 0 },
    ),
    key_prefix: field.string('What every key in Redis begins with; gateways that share jobs share it.', {
      ...values.queueName,
      default: 'arr',
      'x-name': 'key_prefix',
    }),
  },
);
