import dns from 'node:dns/promises';
import net from 'node:net';
import type { Upstream } from '../config/entities';
import { luaText } from '../rpc/lua-value';
import type { Exchange } from './exchange';

/** Where one try goes. */
export interface Peer {
  address: string;
  port: number;
  /** What becomes the Host field, less its port. */
  hostname: string;
}

type PeerChoice =
  | { kind: 'peer'; peer: Peer }
  /** Kong answers by itself. */
  | { kind: 'refused'; status: 503; message: string }
  /** nginx cannot connect to what Kong gave it. */
  | { kind: 'unusable' };

/**
 * Picks the peer of a try, after `execute` in kong/runloop/balancer/init.lua: a declared upstream's targets in turn, a
 * name resolved, an address as it is. Whether it is a name was settled by the service, before any plugin changed it.
 */
export async function choosePeer(
  exchange: Exchange,
  upstreams: Map<string, Upstream>,
  turn: () => number,
): Promise<PeerChoice> {
  const data = exchange.context.balancer_data;
  const host = luaText(data?.['host']);
  const port = Number(data?.['port'] ?? 80);
  if (data?.['type'] !== 'name') {
    // Kong keeps the brackets of an IPv6 address, and Host has them.
    const address = host.replace(/^\[|\]$/g, '');
    return net.isIP(address)
      ? { kind: 'peer', peer: { address, port, hostname: host } }
      : { kind: 'unusable' };
  }
  const upstream = upstreams.get(host);
  if (!upstream) return await resolve(host, port, host);
  const target = upstream.targets[turn() % Math.max(1, upstream.targets.length)];
  if (!target) {
    return { kind: 'refused', status: 503, message: 'failure to get a peer from the ring-balancer' };
  }
  return await resolve(target.host, target.port, upstream.hostHeader ?? target.host);
}

async function resolve(host: string, port: number, hostname: string): Promise<PeerChoice> {
  if (net.isIP(host)) return { kind: 'peer', peer: { address: host, port, hostname } };
  try {
    const { address } = await dns.lookup(host, { family: 4 });
    return { kind: 'peer', peer: { address, port, hostname } };
  } catch {
    return { kind: 'refused', status: 503, message: 'name resolution failed' };
  }
}

/** The Host field: preserved, or the peer's with its port unless that is the scheme's own. */
export function hostField(exchange: Exchange, peer: Peer, preserved: string): string {
  if (preserved !== '') return preserved;
  const scheme = exchange.set.get('upstream_scheme');
  const isDefault = (peer.port === 80 && scheme === 'http') || (peer.port === 443 && scheme === 'https');
  return isDefault ? peer.hostname : `${peer.hostname}:${peer.port}`;
}
