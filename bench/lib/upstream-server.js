// The upstream of the benchmarks, a process of its own so that its time is not counted as anybody else's:
// node upstream-server.js SERVICE_MS BEST_AT LIMIT, prints its port.
//
// A call that finds c calls under way, itself included, takes SERVICE_MS * (1 + (c / BEST_AT)^2): such a service does most
// at BEST_AT calls, BEST_AT / (2 * SERVICE_MS) a millisecond, and less and less with more. A call over LIMIT gets 503 at
// once. A call goes on when its caller has hung up, as work in a database does. SERVICE_MS 0 answers at once.
'use strict';

const http = require('node:http');

const [serviceMs, bestAt, limit] = process.argv.slice(2).map(Number);
const BODY = JSON.stringify({ ok: true, order: 4711, note: 'x'.repeat(64) });
const HEADERS = { 'content-type': 'application/json', 'content-length': BODY.length };

let underWay = 0;

const answer = (response) => response.writeHead(200, HEADERS).end(BODY);

const server = http.createServer((request, response) => {
  request.resume();
  if (serviceMs === 0) {
    return answer(response);
  }
  if (underWay >= limit) {
    return response.writeHead(503, { 'content-length': 0 }).end();
  }
  underWay++;
  return setTimeout(
    () => {
      underWay--;
      answer(response);
    },
    serviceMs * (1 + (underWay / bestAt) ** 2),
  );
});

// Longer than any gateway or worker keeps a connection, so that it is never closed under a request.
server.keepAliveTimeout = 120_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  process.stdout.write(`${server.address().port}\n`);
});
