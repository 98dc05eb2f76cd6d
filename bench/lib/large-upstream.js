// An upstream with one large answer, a process of its own: node large-upstream.js BYTES, prints its port. It sends as fast
// as it is read.
'use strict';

const http = require('node:http');
const { randomBytes } = require('node:crypto');
const { pipeline, Readable } = require('node:stream');

const PIECE = randomBytes(65_536);
const bytes = Number(process.argv[2]);

function* pieces() {
  for (let left = bytes; left > 0; left -= PIECE.length) {
    yield PIECE.subarray(0, left);
  }
}

const server = http.createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
  // A reader that hangs up is none of our business.
  pipeline(Readable.from(pieces()), response, () => undefined);
});

server.keepAliveTimeout = 120_000;
server.listen({ port: 0, host: '127.0.0.1' }, () => process.stdout.write(`${server.address().port}\n`));
