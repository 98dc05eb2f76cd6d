// The loopback token of a request that a worker sends through Kong again (`upstream.mode: loopback`). It names the attempt of the
// job and an expiry time, and its signature covers the request that it was made for. It is consumed by its first use
// (loopback/lua/consume_token.lua), and never reaches an upstream.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { normalizedSecret } from '../secrets/fingerprint';

/** The header field that carries it. */
export const LOOPBACK_HEADER = 'x-async-kong-loopback';

/** The setting with the secret that signs the token. Workers know the secret by this name. */
export const LOOPBACK_SECRET = 'upstream.loopback_secret';

/** Longest life of a token. */
export const MAX_TOKEN_LIFE_MS = 60_000;

/** How long the request may take from an established connection to the plugin. */
const TOKEN_SLACK_MS = 10_000;

const VERSION = 'v1';
const NONCE_BYTES = 16;
const MAC_BYTES = 32;
const FORM = new RegExp(
  `^${VERSION}\\.([0-9a-f-]{36})\\.(\\d{1,6})\\.(\\d{13,15})\\.([\\w-]{22})\\.([\\w-]{43})$`,
);

/** An attempt whose request goes through Kong again. */
interface LoopbackRequest {
  readonly jobId: string;
  readonly attempt: number;
  /** When the token expires: milliseconds by the clock of Redis. */
  readonly endsAt: number;
}

export interface LoopbackToken extends LoopbackRequest {
  /** Differs between all tokens, also between runs of a job with the same attempt. */
  readonly nonce: string;
  readonly mac: Buffer;
}

/** The request that a token is valid for. Strings are bytes as Latin-1. */
export interface MarkedRequest {
  readonly method: string;
  /** Path and query as in the request line. */
  readonly uri: string;
  /** As in `Host`. Case and port are ignored. */
  readonly host: string;
  /** Equal at the plugin instance that accepts the job and the one that lets the request pass, like the secret. */
  readonly keyPrefix: string;
  readonly queue: string;
}

/** When a token expires that is made at `now` for a connection that may take `connectTimeoutMs`. */
export const tokenEnd = (now: number, connectTimeoutMs: number): number =>
  Math.floor(now) + Math.min(connectTimeoutMs + TOKEN_SLACK_MS, MAX_TOKEN_LIFE_MS);

/** A new token, as text. */
export function signLoopbackToken(loopback: LoopbackRequest, request: MarkedRequest, secret: string): string {
  const nonce = randomBytes(NONCE_BYTES).toString('base64url');
  const mac = macOf({ ...loopback, nonce }, request, secret).toString('base64url');
  return [VERSION, loopback.jobId, loopback.attempt, loopback.endsAt, nonce, mac].join('.');
}

/** Reads a token without verifying it; undefined if the text is not one. */
export function parseLoopbackToken(text: string): LoopbackToken | undefined {
  const [, jobId = '', attempt, endsAt, nonce = '', mac = ''] = FORM.exec(text) ?? [];
  return mac === ''
    ? undefined
    : {
        jobId,
        attempt: Number(attempt),
        endsAt: Number(endsAt),
        nonce,
        mac: Buffer.from(mac, 'base64url'),
      };
}

/** Whether the token was signed with this secret for this request. Takes the same time whatever differs. */
export function isSignedFor(token: LoopbackToken, request: MarkedRequest, secret: string): boolean {
  return token.mac.length === MAC_BYTES && timingSafeEqual(token.mac, macOf(token, request, secret));
}

function macOf(token: Omit<LoopbackToken, 'mac'>, request: MarkedRequest, secret: string): Buffer {
  const signed = [
    'async-request-reply loopback',
    VERSION,
    token.jobId,
    token.attempt,
    token.endsAt,
    token.nonce,
    request.method,
    request.uri,
    nameOfHost(request.host),
    request.keyPrefix,
    request.queue,
  ];
  return createHmac('sha256', normalizedSecret(secret)).update(JSON.stringify(signed)).digest();
}

const nameOfHost = (host: string): string => host.toLowerCase().replace(/:\d*$/, '');
