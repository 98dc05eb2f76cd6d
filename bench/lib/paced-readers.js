// Clients that read a large answer at an even pace, a process of its own: node paced-readers.js URL CLIENTS BYTES
// BYTES_PER_SECOND, prints the seconds that each took, as JSON. A client takes a slice whenever one is due and holds next to
// nothing beyond it, so that it is TCP that paces the gateway, as with a client that is far away. They start one after
// another, since each gets its first megabytes at once: the kernel's buffers are empty.
'use strict';

const http = require('node:http');
const net = require('node:net');
const { once } = require('node:events');
const { setTimeout: delay } = require('node:timers/promises');

const SLICE = 65_536;

const STARTS_WITHIN_MS = 1000;

const [url] = process.argv.slice(2);
const [clients, bytes, bytesPerSecond] = process.argv.slice(3).map(Number);
const sliceMs = (SLICE / bytesPerSecond) * 1000;

const connect = (options) => net.connect({ ...options, readableHighWaterMark: SLICE });

async function open() {
  const request = http.get(url, { createConnection: connect, agent: false });
  const [response] = await once(request, 'response');
  if (response.statusCode !== 200) {
    throw new Error(`${url} got ${response.statusCode}`);
  }
  return response;
}

/** @returns what takes the next so many bytes, and waits until they are there */
function taker(response) {
  let wake = () => undefined;
  for (const event of ['readable', 'end']) {
    response.on(event, () => wake());
  }
  return async (size) => {
    for (;;) {
      const slice = response.read(size);
      if (slice !== null) {
        return slice;
      }
      if (response.readableEnded) {
        throw new Error('a client did not get all of it');
      }
      await new Promise((resolve) => (wake = resolve));
    }
  };
}

async function readAll(client) {
  // The part of a slice's time keeps their slices apart too.
  await delay((client * (STARTS_WITHIN_MS + sliceMs)) / clients);
  const beganAt = performance.now();
  const response = await open();
  const take = taker(response);
  for (let got = 0; got < bytes;) {
    const dueAt = beganAt + (got / bytesPerSecond) * 1000;
    await delay(Math.max(0, dueAt - performance.now()));
    const slice = await take(Math.min(SLICE, bytes - got));
    got += slice.length;
  }
  const seconds = (performance.now() - beganAt) / 1000;
  if (response.read() !== null) {
    throw new Error(`a client got more than ${bytes} bytes`);
  }
  return seconds;
}

Promise.all(Array.from({ length: clients }, (_, client) => readAll(client))).then((seconds) =>
  process.stdout.write(JSON.stringify(seconds)),
);
