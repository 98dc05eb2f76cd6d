'use strict';

// A slow upstream to try the plugin with: docker-compose.yml and `make demo` start it. It responds to every request after
// DELAY_SECONDS, or the query's `seconds` (at most 600), with 200 or the query's `status`. The body describes the request.
// With the query's `bytes` (at most 262144), the body is that many random bytes, and a field has their digest.
// GET /health responds at once. Each call prints a line to stdout.
const crypto = require('node:crypto');
const http = require('node:http');

const MAX_SECONDS = 600;
const MAX_RANDOM_BYTES = 262144;
const host = process.env.HOST ?? '127.0.0.1';
const port = Number(process.env.PORT ?? 8080);
const defaultSeconds = Number(process.env.DELAY_SECONDS ?? 5);

/** The number in a query argument, if it has one within the bounds, else `fallback`. */
function numberFrom(query, name, min, max, fallback) {
  const text = query.get(name);
  const value = Number(text);
  return text && value >= min && value <= max ? value : fallback;
}

function answer(request, response, url, bodyBytes) {
  const randomBytes = Math.trunc(numberFrom(url.searchParams, 'bytes', 0, MAX_RANDOM_BYTES, -1));
  if (randomBytes >= 0) {
    const bytes = crypto.randomBytes(randomBytes);
    response.writeHead(200, {
      'Content-Type': 'application/octet-stream',
      'Repr-Digest': `sha-256=:${crypto.createHash('sha256').update(bytes).digest('base64')}:`,
    });
    response.end(bytes);
    return;
  }
  const status = Math.trunc(numberFrom(url.searchParams, 'status', 200, 599, 200));
  const body = JSON.stringify({
    method: request.method,
    path: request.url,
    body_bytes: bodyBytes,
    job_id: request.headers['x-async-kong-id'] ?? null,
    consumer: request.headers['x-consumer-username'] ?? null,
  });
  const hasBody = status !== 204 && status !== 304;
  response.writeHead(status, {
    'X-Demo-Upstream': 'slow',
    ...(hasBody && { 'Content-Type': 'application/json' }),
    ...(status === 201 && { Location: `${url.pathname}/1` }),
  });
  response.end(hasBody ? `${body}\n` : undefined);
}

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://demo-upstream');
  if (url.pathname === '/health') {
    response.end('ok\n');
    return;
  }
  const startedMs = performance.now();
  let bodyBytes = 0;
  request.on('data', (chunk) => (bodyBytes += chunk.length));
  request.on('end', () => {
    const seconds = numberFrom(url.searchParams, 'seconds', 0, MAX_SECONDS, defaultSeconds);
    const timer = setTimeout(() => answer(request, response, url, bodyBytes), seconds * 1000);
    response.on('close', () => {
      clearTimeout(timer);
      const waited = ((performance.now() - startedMs) / 1000).toFixed(1);
      const outcome = response.writableFinished ? response.statusCode : 'caller gone';
      console.log(`${request.method} ${request.url} -> ${outcome} after ${waited} s`);
    });
  });
});

server.listen(port, host, () => console.log(`listening on http://${host}:${server.address().port}`));
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => process.exit(0));
}
