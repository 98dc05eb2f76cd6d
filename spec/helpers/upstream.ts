// The upstream under the specs: records what comes as it comes, and answers what a spec has scripted.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ByteReader, UnexpectedEnd } from './http/byte-reader';
import { valueOf, valuesOf, type Field } from './http/fields';
import { readRequest, type HttpMessage } from './http/http-message';
import { ID_HEADER } from './id-header';
import { until } from './until';
import { reply, type Answer } from './upstream/answers';

/** The header in which a worker sends the job's ID to the upstream. */

/** A request as it stood on the wire. */
export class RecordedRequest {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly body: Buffer;
  /** Which connection it came over, counted from 1. */
  readonly connection: number;
  /** Whether the caller hung up before the answer was sent. */
  wasAbandoned = false;

  constructor({ startLine, fields, body }: HttpMessage, connection: number) {
    const [method = '', target = ''] = startLine.split(' ');
    this.method = method;
    this.target = target;
    this.fields = fields;
    this.body = body;
    this.connection = connection;
  }

  get path(): string {
    return this.target.split('?')[0] ?? '';
  }

  /** The ID of the job that a worker carries out with this request; undefined when it came some other way. */
  get jobId(): string | undefined {
    return this.header(ID_HEADER);
  }

  header(name: string): string | undefined {
    return valueOf(this.fields, name);
  }

  headers(name: string): string[] {
    return valuesOf(this.fields, name);
  }
}

export class Upstream {
  readonly requests: RecordedRequest[] = [];
  readonly #scripts = new Map<string, Answer[]>();
  readonly #callsByPath = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  readonly #failures: Error[] = [];
  readonly #server: Server;
  #connections = 0;
  #answering = 0;

  readonly #host: string;

  private constructor(host: string) {
    this.#host = host;
    this.#server = createServer({ allowHalfOpen: false }, (socket) => void this.#serve(socket));
  }

  /** Listens on a free port. @param host an address of this machine; default 127.0.0.1. */
  static async start(host = '127.0.0.1'): Promise<Upstream> {
    const upstream = new Upstream(host);
    await new Promise<void>((resolve, reject) => {
      upstream.#server.once('error', reject).listen({ port: 0, host, backlog: 4096 }, resolve);
    });
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.port}`;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** How many requests wait for their answer at this moment. */
  get answersPending(): number {
    return this.#answering;
  }

  /**
   * Scripts a path (without its query): the first call gets the first answer, and so on, and all further ones the last.
   * Paths without a script get 200 and an empty body.
   */
  script(path: string, ...answers: Answer[]): void {
    this.#scripts.set(path, answers);
    this.#callsByPath.delete(path);
  }

  /** The calls that carried out this job, in the order of their arrival. */
  callsOf(jobId: string): RecordedRequest[] {
    return this.requests.filter((request) => request.jobId === jobId);
  }

  callsTo(path: string): RecordedRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  /** Waits until a path has been called, and returns its calls. */
  async called(path: string, count = 1): Promise<RecordedRequest[]> {
    await until(`${count} calls to ${path}`, () => this.callsTo(path).length >= count);
    return this.callsTo(path);
  }

  /** What a test has left behind: a delayed response, or a script that failed. Empty if there is nothing. */
  leftovers(): string[] {
    const held =
      this.#answering > 0 ? [`${this.#answering} requests still wait for the upstream's answer`] : [];
    return [...held, ...this.#failures.map((failure) => `the upstream's script failed: ${String(failure)}`)];
  }

  /** Hangs up on everybody. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(socket: Socket): Promise<void> {
    const connection = ++this.#connections;
    this.#sockets.add(socket);
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    void gone.then(() => this.#sockets.delete(socket));
    const reader = new ByteReader(socket);
    try {
      for (;;) {
        const message = await readRequest(reader);
        if (message === null) break;
        await this.#answer(new RecordedRequest(message, connection), socket, gone);
      }
    } catch (error) {
      // Gateways and workers drop connections as they please; what else goes wrong is the harness's fault.
      if (!(error instanceof UnexpectedEnd)) this.#failures.push(error as Error);
    }
    socket.end();
  }

  async #answer(request: RecordedRequest, socket: Socket, gone: Promise<void>): Promise<void> {
    this.requests.push(request);
    const answer = this.#nextAnswer(request.path);
    this.#answering++;
    const markAbandoned = (): void => void (request.wasAbandoned = true);
    socket.once('close', markAbandoned);
    try {
      await Promise.race([answer({ request, socket, gone }), gone]);
    } finally {
      socket.off('close', markAbandoned);
      this.#answering--;
    }
  }

  #nextAnswer(path: string): Answer {
    const call = this.#callsByPath.get(path) ?? 0;
    this.#callsByPath.set(path, call + 1);
    const answers = this.#scripts.get(path) ?? [];
    return answers[Math.min(call, answers.length - 1)] ?? reply();
  }
}
