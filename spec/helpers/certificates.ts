// Certificates for one spec file, made by openssl in a folder of its own: none is in the repository, none outlives the run.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its private key, as PEM and as files. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const CONFIG = `[req]
distinguished_name = name
prompt = no
[name]
CN = \${ENV::SPEC_NAME}
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[holder]
basicConstraints = CA:FALSE
subjectAltName = \${ENV::SPEC_NAMES}
authorityKeyIdentifier = keyid
`;

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export class CertificateAuthority {
  /** Its own certificate. */
  readonly certFile: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'arr-ca-'));
  #issued = 0;

  constructor() {
    writeFileSync(this.#file('openssl.cnf'), CONFIG);
    this.certFile = this.#file('ca.pem');
    const out = ['-keyout', this.#file('ca.key'), '-out', this.certFile];
    this.#openssl('Spec CA', 'DNS:ca', ['req', '-x509', '-extensions', 'authority', ...NEW_KEY, ...out]);
  }

  get cert(): string {
    return readFileSync(this.certFile, 'utf8');
  }

  /** @param names as openssl writes them: `DNS:redis.spec`, `IP:127.0.0.1`. */
  issue(commonName: string, names: readonly string[]): Identity {
    const stem = `holder-${++this.#issued}`;
    const [request, keyFile, certFile] = [`${stem}.csr`, `${stem}.key`, `${stem}.pem`].map((name) =>
      this.#file(name),
    ) as [string, string, string];
    const alternatives = names.join();
    this.#openssl(commonName, alternatives, ['req', '-new', ...NEW_KEY, '-keyout', keyFile, '-out', request]);
    this.#openssl(commonName, alternatives, [
      'x509',
      '-req',
      '-in',
      request,
      '-out',
      certFile,
      '-days',
      '2',
      '-CA',
      this.certFile,
      '-CAkey',
      this.#file('ca.key'),
      '-CAcreateserial',
      '-extfile',
      this.#file('openssl.cnf'),
      '-extensions',
      'holder',
    ]);
    return {
      certFile,
      keyFile,
      cert: readFileSync(certFile, 'utf8'),
      key: readFileSync(keyFile, 'utf8'),
    };
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #openssl(name: string, names: string, args: readonly string[]): void {
    const config = args[0] === 'req' ? ['-config', this.#file('openssl.cnf')] : [];
    const env = { ...process.env, SPEC_NAME: name, SPEC_NAMES: names };
    execFileSync('openssl', [...args, ...config], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  #file(name: string): string {
    return join(this.#directory, name);
  }
}
