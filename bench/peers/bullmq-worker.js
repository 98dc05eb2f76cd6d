// The peer of bench/drain.ts: BullMQ's own worker, REDIS_PORT QUEUE CONCURRENCY [UPSTREAM_URL]. Without an upstream its
// processor is empty; with one it is what somebody writes who needs no more: the call, and its answer as the job's result.
'use strict';

const { Worker } = require('bullmq');
const { Pool } = require('undici');

const [redisPort, queue, concurrency, upstreamUrl] = process.argv.slice(2);
const pool = upstreamUrl === undefined ? null : new Pool(upstreamUrl);

async function call({ data: { method, path, headers, body } }) {
  const response = await pool.request({ method, path, headers, body });
  return { status: response.statusCode, headers: response.headers, body: await response.body.text() };
}

const worker = new Worker(queue, pool === null ? async () => undefined : call, {
  connection: { host: '127.0.0.1', port: Number(redisPort), maxRetriesPerRequest: null },
  concurrency: Number(concurrency),
});

process.once('SIGTERM', () => {
  void worker.close().then(() => pool?.close());
});
