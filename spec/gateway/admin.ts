import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse } from 'yaml';
import { DeclarativeError } from './config/declarative-error';
import type { Gateway } from './gateway';

/** The part of Kong's Admin API that specs need: `GET /status`, `POST /config`, and `POST /reload` for `kong reload`. */
export class Admin {
  readonly #gateway: Gateway;
  readonly #server = http.createServer((request, response) => void this.#serve(request, response));

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [status, body] = await this.#answer(
      `${request.method} ${request.url}`,
      Buffer.concat(chunks).toString(),
    );
    response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(body));
  }

  async #answer(line: string, body: string): Promise<[number, object]> {
    switch (line) {
      case 'GET /status':
        return [200, { server: {}, plugin_server_pid: this.#gateway.pluginServerPid }];
      case 'POST /config':
        return this.#configure(body);
      case 'POST /reload':
        return await this.#reload();
      default:
        return [404, { message: 'Not found' }];
    }
  }

  async #reload(): Promise<[number, object]> {
    try {
      await this.#gateway.reload();
      return [200, {}];
    } catch (error) {
      return [500, { message: (error as Error).message }];
    }
  }

  #configure(body: string): [number, object] {
    try {
      this.#gateway.configure(configText(body));
      return [201, {}];
    } catch (error) {
      const { message } = error as Error;
      const fields = error instanceof DeclarativeError ? error.fields : { error: message };
      return [400, { name: 'invalid declarative configuration', code: 14, message, fields }];
    }
  }
}

/** The body is the configuration itself, or Kong's `{"config": "…"}`; both are YAML. */
function configText(body: string): string {
  const parsed = parse(body) as { config?: unknown } | null;
  return typeof parsed?.config === 'string' ? parsed.config : body;
}
