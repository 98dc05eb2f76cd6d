'use strict';

// kong.yml with addresses of this machine instead of the names of docker-compose.yml. As a program:
//   node kong/upstream/local-config.js [REDIS_HOST:PORT [UPSTREAM_URL [KEY_PREFIX]]] > local.yml
const fs = require('node:fs');
const path = require('node:path');

const KONG_YML = path.join(__dirname, '..', 'kong.yml');

/** Replaces `from`, which has to stand there: a kong.yml that was edited must not silently keep the other address. */
function replaceAll(text, from, to) {
  if (!text.includes(from)) {
    throw new Error(`${KONG_YML} lacks ${JSON.stringify(from)}`);
  }
  return text.replaceAll(from, to);
}

/**
 * @param {{ redis?: string, upstreamUrl?: string, keyPrefix?: string }} [addresses] Redis as `host:port`; what every
 *   key in Redis begins with, where it is not to be the default.
 * @returns {string} the YAML text
 * @throws where kong.yml does not have the addresses of docker-compose.yml
 */
function localConfig(addresses = {}) {
  const { redis = '127.0.0.1:6379', upstreamUrl = 'http://127.0.0.1:8080', keyPrefix } = addresses;
  const at = redis.lastIndexOf(':');
  const [host, port] = [redis.slice(0, at), redis.slice(at + 1)];
  const indent = ' '.repeat(16);
  const prefixLine = keyPrefix === undefined ? '' : `\n${indent}key_prefix: ${keyPrefix}`;
  const text = replaceAll(
    fs.readFileSync(KONG_YML, 'utf8'),
    'url: http://demo-upstream:8080',
    `url: ${upstreamUrl}`,
  );
  return replaceAll(
    text,
    `\n${indent}host: redis\n${indent}port: 6379`,
    `\n${indent}host: ${JSON.stringify(host)}\n${indent}port: ${port}${prefixLine}`,
  );
}

module.exports = { localConfig };

if (require.main === module) {
  const [redis, upstreamUrl, keyPrefix] = process.argv.slice(2);
  process.stdout.write(localConfig({ redis, upstreamUrl, keyPrefix }));
}
