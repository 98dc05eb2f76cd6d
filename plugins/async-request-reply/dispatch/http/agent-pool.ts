// Connections to upstreams, shared by all jobs with the same TLS and connect settings.
import type { Agent } from 'undici';
import type { Secrets } from '../../jobs/secrets-for';
import type { JobSettings } from '../../jobs/job-settings';
import { StrictAgent } from './strict-agent';

/** Distinct settings at once; more means that somebody changes them by the minute. */
const MAX_AGENTS = 64;

/** A connection that was idle for so long is not used again: many a server closes one after two seconds, untold. */
const IDLE_MS = 1000;

type ConnectionSettings = Pick<
  JobSettings,
  'connectTimeoutMs' | 'tlsVerify' | 'caCertificates' | 'maxHeadBytes' | 'secrets'
>;

/** Other secrets than these have no part in a connection: a change of them may still open another, and does no harm. */
const keyOf = (one: ConnectionSettings): string =>
  JSON.stringify([one.connectTimeoutMs, one.tlsVerify, one.caCertificates, one.maxHeadBytes, one.secrets]);

function clientIdentity(secrets: Secrets): { cert?: string; key?: string } {
  const cert = secrets.get('upstream.client_cert');
  const key = secrets.get('upstream.client_key');
  return cert === undefined || key === undefined ? {} : { cert, key };
}

export class AgentPool {
  readonly #agents = new Map<string, Agent>();

  /** @param secrets those that the fingerprints in `settings` name. */
  for(settings: ConnectionSettings, secrets: Secrets): Agent {
    const key = keyOf(settings);
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      this.#evict();
      agent = new StrictAgent({
        connectTimeoutMs: settings.connectTimeoutMs,
        // The attempt has a time limit of its own; these would cut a slow upstream short of it.
        agent: {
          headersTimeout: 0,
          bodyTimeout: 0,
          maxHeaderSize: settings.maxHeadBytes,
          keepAliveTimeout: IDLE_MS,
        },
        connect: {
          rejectUnauthorized: settings.tlsVerify,
          ...(settings.caCertificates.length > 0 && { ca: [...settings.caCertificates] }),
          ...clientIdentity(secrets),
        },
      });
    } else {
      this.#agents.delete(key);
    }
    this.#agents.set(key, agent);
    return agent;
  }

  /** Drops the agent that was not used for longest; calls that it still has are finished. */
  #evict(): void {
    const [oldest] = this.#agents;
    if (oldest !== undefined && this.#agents.size >= MAX_AGENTS) {
      this.#agents.delete(oldest[0]);
      void oldest[1].close();
    }
  }

  async close(): Promise<void> {
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(agents.map((agent) => agent.destroy()));
  }
}
