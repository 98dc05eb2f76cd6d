// kong-pdk's plugin server without its ways to fail open. It inherits the loading and the description of plugins;
// instances, events and the handling of errors are its own. docs/kong.md explains the reasons.
import type { Logger } from 'pino';
import { describeError } from './describe-error';
import { errorReplyCall, type ErrorReply } from './error-reply';
import type { EventAnswer, EventChannel, PdkCall } from './event-channel';
import { EventTable } from './event-table';
import { InstanceRegistry, type InstanceRecord } from './instance-registry';
import { kongPdk } from './kong-pdk';
import { PluginServerError } from './plugin-server-error';
import { rpcParams } from './rpc-params';

interface RpcServerOptions {
  /** Absolute path of a directory with one plugin in it. */
  readonly pluginsDirectory: string;
  readonly logger: Logger;
  /** Reply to a request whose plugin threw an error or hung before it exited. */
  readonly internalErrorReply: ErrorReply;
  /** Reply to a request whose instance or event this process no longer has. */
  readonly goneReply: ErrorReply;
  /** Number of closed instances that still handle events; default 10,000. */
  readonly maxClosedInstances?: number;
}

/**
 * The RPC methods of a plugin server. Each returns a promise of its answer. Rejections are sent to Kong as text, and Kong
 * acts only on `no plugin instance`: it starts the instance again and repeats the event, without limit.
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

  /** Events in progress: phases that have neither exited nor returned. */
  get eventCount(): number {
    return this.#events.size;
  }

  /** Disabled: Kong may still use an instance that was dropped because it was idle. Called before the fields of this class exist. */
  override clearExpiredPlugins(): undefined {
    return undefined;
  }

  /** Stops the timer. Idempotent. */
  override close(): void {
    this.#events.close();
  }

  /** kong-pdk's status without configurations, and with counts that reveal a leak. */
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

  /** Rejects with the error of the plugin's constructor. Kong logs its message and returns 500. */
  override async StartInstance(request: unknown): Promise<unknown> {
    const { name, configText } = rpcParams.startInstance(request);
    const plugin = this.plugins.get(name);
    if (plugin === undefined) {
      throw new PluginServerError('ERR_NO_PLUGIN', `no plugin ${name} in this plugin server`);
    }
    // Kong's JSON is UTF-8, and the codec returns its bytes.
    const config: unknown = JSON.parse(Buffer.from(configText, 'latin1').toString('utf8'));
    const record = this.#instances.add(plugin.new(config));
    this.#logger.info({ instance: record.id, plugin: name }, 'instance started');
    return Promise.resolve(instanceStatus(record));
  }

  /** Rejects with `no plugin instance #N` if the ID is not of this process or was closed too long ago. */
  override async InstanceStatus(instanceId: unknown): Promise<unknown> {
    return Promise.resolve(instanceStatus(this.#instance(instanceId)));
  }

  /** The instance still handles events with its ID. Rejects as {@link InstanceStatus} does. */
  override async CloseInstance(instanceId: unknown): Promise<unknown> {
    const record = this.#instance(instanceId);
    this.#instances.close(record);
    const { Name, Id } = instanceStatus(record);
    return Promise.resolve({ Name, Id });
  }

  /**
   * Runs one phase of one request up to its first PDK call, which is the answer. An ID that this process assigned always
   * gets an answer. Any other rejects with `no plugin instance #N`, and Kong then starts the instance here.
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
   * Passes the result of Kong's PDK to the plugin. The answer is its next call. If the event is not of this process, or was
   * abandoned, the answer is an exit: after an error Kong would proxy the request.
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

  /** Replaces an answer that cannot be encoded. The event ends. */
  replaceUnsendable(answer: EventAnswer, error: Error): EventAnswer {
    this.#logger.error({ error: describeError(error) }, 'plugin gave Kong a value that has no wire form');
    const channel = this.#events.find(answer.EventId);
    channel?.abandon(error, 'ret');
    return {
      Data: errorReplyCall(this.#internalErrorReply, channel?.phase ?? 'access'),
      EventId: answer.EventId,
    };
  }

  // Unlike in kong-pdk, not on a later turn of the event loop: the plugin decides where it yields.
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
    const where = { error: describeError(error), instance: instanceId, phase };
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

// Kong looks for these words (Kong's `mp_rpc.lua`).
function noInstance(id: number): PluginServerError {
  return new PluginServerError('ERR_NO_INSTANCE', `no plugin instance #${id}`);
}

// kong-pdk's without `Config`: Kong does not use this copy of the configuration (Kong's plugin_servers/plugin.lua), and other
// clients of the socket could read the secrets in it.
function instanceStatus({ id, instance }: InstanceRecord): { Name: string; Id: number; StartTime: number } {
  return { Name: instance.getName(), Id: id, StartTime: instance.getStartTime() };
}
