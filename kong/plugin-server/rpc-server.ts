// kong-pdk's plugin server with its ways to fail closed off: what it inherits is the loading of plugins and their
// description; instances, events and what an error does to a request are ours. docs/kong.md has the reasons.
import type { Logger } from 'pino';
import { describeError } from './describe-error';
import { errorReplyCall, type ErrorReply } from './error-reply';
import type { EventAnswer, EventChannel, PdkCall } from './event-channel';
import { EventTable } from './event-table';
import { InstanceRegistry, type InstanceRecord } from './instance-registry';
import { kongPdk } from './kong-pdk';
import { PluginServerError } from './plugin-server-error';
import { rpcParams } from './rpc-params';

/** What an RPC server is made of. */
interface RpcServerOptions {
  /** Absolute path of a directory with one plugin in it. */
  readonly pluginsDirectory: string;
  readonly logger: Logger;
  /** For a request whose plugin threw or hung before it exited. */
  readonly internalErrorReply: ErrorReply;
  /** For a request whose instance or event this process has let go of. */
  readonly goneReply: ErrorReply;
  /** How many closed instances go on serving; default 10,000. */
  readonly maxClosedInstances?: number;
}

/**
 * The RPC methods of a plugin server, one promise an answer. What they reject with goes to Kong as text, and of those
 * texts Kong acts on `no plugin instance` only: it starts the instance again and repeats the event, without limit.
 *
 * @throws PluginServerError from the constructor: `ERR_NO_PLUGIN` when no plugin could be loaded
 */
export class RpcServer extends kongPdk.Server {
  readonly #logger: Logger;
  readonly #internalErrorReply: ErrorReply;
  readonly #goneReply: ErrorReply;
  readonly #instances: InstanceRegistry;
  readonly #events = new EventTable((channel) => this.#abandonIdle(channel));

  constructor(options: RpcServerOptions) {
    super(options.pluginsDirectory, options.logger);
    this.#logger = options.logger;
    this.#internalErrorReply = options.internalErrorReply;
    this.#goneReply = options.goneReply;
    this.#instances = new InstanceRegistry(options.maxClosedInstances);
    if (this.plugins.size === 0) {
      this.close();
      throw new PluginServerError(
        'ERR_NO_PLUGIN',
        `no plugin could be loaded from ${options.pluginsDirectory}`,
      );
    }
  }

  /** Events under way: phases that have neither exited nor returned. */
  get eventCount(): number {
    return this.#events.size;
  }

  /** Off: an instance that is dropped for being idle is one that Kong still uses. Called before our fields exist. */
  override clearExpiredPlugins(): undefined {
    return undefined;
  }

  /** Stops the timer; idempotent. */
  override close(): void {
    this.#events.close();
  }

  /** kong-pdk's status, with the counts by which a leak shows, and without configurations. */
  override GetStatus(): Promise<unknown> {
    const instances = [...this.#instances.open()];
    const plugins = Object.fromEntries(
      [...this.plugins.values()].map((plugin) => [
        plugin.name,
        {
          Name: plugin.name,
          Modtime: plugin.getMTime(),
          LoadTime: plugin.getLoadTime(),
          Instances: instances
            .filter(({ instance }) => instance.getName() === plugin.name)
            .map(instanceStatus),
          LastStartInstance: plugin.getLastStartInstanceTime(),
          LastCloseInstance: plugin.getLastCloseInstanceTime(),
        },
      ]),
    );
    return Promise.resolve({
      Pid: process.pid,
      Plugins: plugins,
      OpenInstances: this.#instances.openCount,
      ClosedInstances: this.#instances.closedCount,
      Events: this.#events.size,
    });
  }

  /** Rejects with the constructor's own error, whose message Kong logs before it answers 500. */
  override async StartInstance(request: unknown): Promise<unknown> {
    const { name, configText } = rpcParams.startInstance(request);
    const plugin = this.plugins.get(name);
    if (plugin === undefined) {
      throw new PluginServerError('ERR_NO_PLUGIN', `no plugin ${name} in this plugin server`);
    }
    // Kong's JSON is UTF-8, of which the codec gives the bytes.
    const config: unknown = JSON.parse(Buffer.from(configText, 'latin1').toString('utf8'));
    const record = this.#instances.add(plugin.new(config));
    this.#logger.info({ instance: record.id, plugin: name }, 'instance started');
    return Promise.resolve(instanceStatus(record));
  }

  /** Rejects with `no plugin instance #N` for an ID that is not of this process or was closed too long ago. */
  override async InstanceStatus(instanceId: unknown): Promise<unknown> {
    return Promise.resolve(instanceStatus(this.#instance(instanceId)));
  }

  /** The instance goes on serving events that come with its ID. Rejects as {@link InstanceStatus} does. */
  override async CloseInstance(instanceId: unknown): Promise<unknown> {
    const record = this.#instance(instanceId);
    this.#instances.close(record);
    const { Name, Id } = instanceStatus(record);
    return Promise.resolve({ Name, Id });
  }

  /**
   * Runs one phase of one request up to its first PDK call, which is the answer. An ID that this process gave always
   * gets an answer; any other rejects with `no plugin instance #N`, upon which Kong starts the instance here.
   */
  override HandleEvent(event: unknown): Promise<EventAnswer> {
    const { instanceId, phase } = rpcParams.handleEvent(event);
    const record = this.#instances.find(instanceId);
    if (record === undefined) {
      if (!this.#instances.isOurs(instanceId)) {
        return Promise.reject(noInstance(instanceId));
      }
      this.#logger.error({ instance: instanceId, phase }, 'event for an instance closed long ago');
      return Promise.resolve({
        Data: errorReplyCall(this.#goneReply, phase),
        EventId: this.#events.spareId(),
      });
    }
    const channel = this.#events.add(phase);
    const answer = channel.next();
    this.#runPhase(record, channel);
    return answer;
  }

  /**
   * Gives the plugin what Kong's PDK returned; the answer is its next call. A step for an event that is not of this
   * process, or was given up, is answered with an exit: an error would have Kong proxy the request.
   */
  override step(answer: unknown, isError: boolean): Promise<EventAnswer> {
    const { eventId, data } = rpcParams.step(answer);
    const channel = this.#events.find(eventId);
    if (channel === undefined) {
      this.#logger.warn({ event: eventId }, 'step for an unknown event');
      return Promise.resolve({ Data: errorReplyCall(this.#goneReply, 'access'), EventId: eventId });
    }
    if (isError) {
      channel.resume(undefined, data);
    } else {
      channel.resume(data, undefined);
    }
    return channel.next();
  }

  /** Takes the place of an answer that could not be put on the wire; the event, if it goes on, ends here. */
  replaceUnsendable(answer: EventAnswer, error: Error): EventAnswer {
    this.#logger.error({ err: describeError(error) }, 'plugin gave Kong a value that has no wire form');
    const channel = this.#events.find(answer.EventId);
    channel?.abandon(error, 'ret');
    return {
      Data: errorReplyCall(this.#internalErrorReply, channel?.phase ?? 'access'),
      EventId: answer.EventId,
    };
  }

  // Not on a later turn of the event loop, as kong-pdk does it: the plugin decides itself where it yields.
  #runPhase({ id, instance }: InstanceRecord, channel: EventChannel): void {
    const onError = (error: unknown): void => this.#endByError(error, channel, id);
    try {
      const outcome = instance.executePhase(channel.phase, new kongPdk.Pdk(channel).kong);
      if (outcome === undefined) {
        channel.put('ret');
      } else {
        Promise.resolve(outcome).then(() => channel.put('ret'), onError);
      }
    } catch (error) {
      onError(error);
    }
  }

  #endByError(error: unknown, channel: EventChannel, instanceId: number): void {
    if (error instanceof PluginServerError && error.code === 'ERR_EVENT_ABANDONED') {
      // The sweep logs it.
      return;
    }
    const { phase, isEnded } = channel;
    const where = { err: describeError(error), instance: instanceId, phase };
    this.#logger.error(where, isEnded ? 'plugin threw after its exit' : 'plugin threw');
    channel.put(errorReplyCall(this.#internalErrorReply, phase));
  }

  #abandonIdle(channel: EventChannel): void {
    const { phase } = channel;
    this.#logger.warn({ phase, heldBy: channel.isAwaitedByKong ? 'plugin' : 'kong' }, 'event given up');
    const answer: PdkCall | 'ret' = errorReplyCall(this.#internalErrorReply, phase);
    channel.abandon(
      new PluginServerError('ERR_EVENT_ABANDONED', 'the event took too long and was given up'),
      answer,
    );
  }

  #instance(instanceId: unknown): InstanceRecord {
    const id = rpcParams.instanceId(instanceId);
    const record = this.#instances.find(id);
    if (record === undefined) {
      throw noInstance(id);
    }
    return record;
  }
}

// Kong looks for these words (`mp_rpc.lua`).
function noInstance(id: number): PluginServerError {
  return new PluginServerError('ERR_NO_INSTANCE', `no plugin instance #${id}`);
}

// kong-pdk's without `Config`: Kong has the configuration and makes no use of its copy (plugin_servers/plugin.lua), and whoever
// else gets at the socket would read the secrets in it.
function instanceStatus({ id, instance }: InstanceRecord): { Name: string; Id: number; StartTime: number } {
  return { Name: instance.getName(), Id: id, StartTime: instance.getStartTime() };
}
