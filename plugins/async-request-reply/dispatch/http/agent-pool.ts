// The connections to upstreams, shared by all jobs with the same TLS and connect settings.
import type { Agent } from 'undici';
import type { Secrets } from '../../jobs/secrets-for';
import type { JobSettings } from '../../jobs/job-settings';
import { StrictAgent } from './strict-agent';

/** Different settings at once. There are more only if an administrator changes them within minutes. */
const MAX_AGENTS = 64;

/** An idle connection is not used again after this time: some servers close one after two seconds without notice. */
const IDLE_MS = 1000;

type ConnectionSettings = Pick<
  JobSettings,
  'connectTimeoutMs' | 'tlsVerify' | 'caCertificates' | 'maxHeadBytes' | 'secrets'
>;

/** `secrets` has fingerprints. A change of one that no connection uses opens another agent too, which does no harm. */
const keyOf = (one: ConnectionSettings): string =>
  JSON.stringify([one.connectTimeoutMs, one.tlsVerify, one.caCertificates, one.maxHeadBytes, one.secrets]);

function clientIdentity(secrets: Secrets): { cert?: string; key?: string } {
  const cert = secrets.get('upstream.client_cert');
  const key = secrets.get('upstream.client_key');
  return cert === undefined || key === undefined ? {} : { cert, key };
}

export class AgentPool {
  readonly #agents = new Map<string, Agent>();

  /** Returns the agent for these settings. @param secrets those that the fingerprints in `settings` name. */
  for(settings: ConnectionSettings, secrets: Secrets): Agent {
    const key = keyOf(settings);
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      this.#evict();
      agent = new StrictAgent({
        connectTimeoutMs: settings.connectTimeoutMs,
        // The attempt has its own time limit; these would end a slow upstream earlier.
        agent: {
          headersTimeout: 0,
          bodyTimeout: 0,
          maxHeaderSize: settings.maxHeadBytes,
          keepAliveTimeout: IDLE_MS,
        },
        connect: {
          rejectUnauthorized: settings.tlsVerify,
          // undefined: the system's.
          ca: settings.caCertificates.length > 0 ? [...settings.caCertificates] : undefined,
          ...clientIdentity(secrets),
        },
      });
    } else {
      this.#agents.delete(key);
    }
    this.#agents.set(key, agent);
    return agent;
  }

  /** Closes the least recently used agent; its calls are finished first. */
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
