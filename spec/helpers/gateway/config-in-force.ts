import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { parse } from 'yaml';
import { until } from '../until';

/** Connections that must all find the new configuration; with two workers one of them is missed once in 2^23. */
const WITNESSES = 24;

/**
 * Kong's workers take a new configuration one after another, some time after the Admin API has answered. A route of
 * its own tells the new one from the old: each of many fresh connections must find it.
 */
export function markConfig(text: string): { text: string; isInForce: (proxyPort: number) => Promise<void> } {
  const path = `/gateway-spec-marker/${randomUUID()}`;
  const config = parse(text, { version: '1.1' }) as { routes?: unknown[] };
  const marker = { name: 'gateway-spec-marker', paths: [path], methods: ['OPTIONS'] };
  const marked = { ...config, routes: [...(config.routes ?? []), marker] };
  const isInForce = async (proxyPort: number): Promise<void> => {
    let seen = 0;
    await until('every worker to have the configuration', async () => {
      seen = (await statusOf(proxyPort, path)) === 404 ? 0 : seen + 1;
      if (seen > 0 && seen < WITNESSES) {
        const rest = Array.from({ length: WITNESSES - seen }, () => statusOf(proxyPort, path));
        seen = (await Promise.all(rest)).includes(404) ? 0 : WITNESSES;
      }
      return seen >= WITNESSES;
    });
  };
  return { text: JSON.stringify(marked), isInForce };
}

/** @returns the status, or 404 if the gateway does not respond yet */
function statusOf(port: number, path: string): Promise<number> {
  return new Promise((resolve) => {
    const request = http.request(
      { port, host: '127.0.0.1', path, method: 'OPTIONS', agent: false },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 404));
      },
    );
    request.on('error', () => resolve(404));
    request.end();
  });
}
