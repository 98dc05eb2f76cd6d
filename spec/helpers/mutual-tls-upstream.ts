// An https upstream that requires a client certificate, and returns its subject.
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { CertificateAuthority } from './certificates';

export class MutualTlsUpstream {
  /** Common names of the certificates of those who called, in the order of their calls. */
  readonly callers: string[] = [];
  readonly #server: Server;

  private constructor(authority: CertificateAuthority) {
    const { cert, key } = authority.issue('upstream', ['IP:127.0.0.1']);
    const demands = { requestCert: true, rejectUnauthorized: true };
    this.#server = createServer({ cert, key, ca: authority.cert, ...demands }, (request, response) => {
      const name = String((request.socket as TLSSocket).getPeerCertificate().subject.CN);
      this.callers.push(name);
      response.end(`hello ${name}`);
    });
  }

  static async start(authority: CertificateAuthority): Promise<MutualTlsUpstream> {
    const upstream = new MutualTlsUpstream(authority);
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve));
    return upstream;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
