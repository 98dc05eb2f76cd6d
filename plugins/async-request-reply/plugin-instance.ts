// One configured plugin: what it derives from its configuration once, and how a request goes through it.
import type { Config } from '../../schemas/generated/config-type';
import { access, type AccessLog } from './access/access';
import { hasRequestSchemas } from './access/route/validation-settings';
import { checkConfig } from './access/route/check-config';
import { workerSecrets } from './access/route/route-secrets';
import { jobLifeMs, jobSettings, routeSettings, type RouteSettings } from './access/route/route-settings';
import { EntityCache } from './kong-api/entity-cache';
import { KongRequest } from './kong-api/kong-request';
import { numberField, stringField } from './kong-api/lua-values';
import type { Pdk } from './kong-api/pdk';
import { NginxVariables } from './kong-api/nginx-variables';
import { passOn } from './kong-api/pass-on';
import { sendReply } from './kong-api/send-reply';
import { handOff, presetFields } from './kong-api/hand-off';
import { settleMethod } from './kong-api/answer-method';
import { restartingReply } from './access/replies';
import type { StreamingCommand } from './handoff/streaming-command';
import { INLINE_MAX_REQUEST_BYTES, INLINE_MAX_RESPONSE_BYTES } from './http/inline-limits';
import type { Decision, Reply } from './http/reply';
import { pluginRuntime } from './plugin-runtime';
import { AsyncError } from './errors/async-error';
import type { AccessStore } from './accept/access-store';
import type { OpenStore } from './accept/store-registry';

export class PluginInstance {
  readonly #settings: RouteSettings;
  readonly #openStore: OpenStore;
  readonly #settingsKey: string;
  readonly #entities: EntityCache;
  /** Advice that the log has had already. */
  readonly #given = new Set<string>();
  #hasCombinedVariable = true;

  /**
   * @param raw the configuration as Kong sent it: which route and service it hangs on is in no declared field.
   * @throws ConfigError where a setting asks for what this release does not do, a certificate is not its key's, an
   *   encryption key is none or is there twice, or a schema does not compile.
   */
  constructor(config: Config, raw: unknown) {
    checkConfig(config);
    const { log, stores, secrets, validators, instanceStores: holds, handoff } = pluginRuntime();
    const settings = routeSettings(config, {
      validators: hasRequestSchemas(config) ? validators : undefined,
      hasHandoff: handoff !== undefined,
    });
    settings.validation?.prepare();
    this.#settingsKey = handoff?.register(config) ?? '';
    this.#settings = settings;
    this.#entities = new EntityCache(stringField(raw, 'route_id') !== undefined);
    for (const secret of workerSecrets(config)) {
      secrets.add(secret);
    }
    this.#openStore = stores.opener(settings.redis, settings.keyPrefix);
    const lease = this.#openStore();
    holds.add({ key: stringField(raw, '__key__'), seq: numberField(raw, '__seq__') }, lease);
    this.#registerQueue(lease.store, settings.queueName ?? stringField(raw, 'service_id'));
    if (
      handoff === undefined &&
      (config.request.max_body_bytes > INLINE_MAX_REQUEST_BYTES ||
        config.response.max_body_bytes > INLINE_MAX_RESPONSE_BYTES)
    ) {
      log.warn(
        { requestBytes: settings.maxRequestBytes, responseBytes: settings.maxResponseBytes },
        'this plugin server has no handoff lane: larger requests get 413, larger responses fail their job',
      );
    }
  }

  /** Lets the workers know of the queue before its first job, where its name is known without a request. */
  #registerQueue(store: AccessStore, queue: string | undefined): void {
    if (queue === undefined || this.#settings.intercept === 'never') {
      return;
    }
    const settings = jobSettings(this.#settings, queue, { tlsVerify: false });
    store.registerQueue(queue, settings, jobLifeMs(this.#settings)).catch(() => {
      // Redis is away: the first accept announces.
    });
  }

  readonly #log: AccessLog = {
    failure: (error) => {
      const cause = error instanceof AsyncError ? (error.cause ?? error) : error;
      pluginRuntime().log.error(
        { err: cause instanceof Error ? cause.message : String(cause) },
        'request not handled',
      );
    },
    advice: (text) => {
      if (!this.#given.has(text)) {
        this.#given.add(text);
        pluginRuntime().log.warn(text);
      }
    },
  };

  async access(pdk: Pdk): Promise<void> {
    const { log } = pluginRuntime();
    const variables = await NginxVariables.load(pdk, this.#hasCombinedVariable, () => {
      this.#hasCombinedVariable = false;
      log.info(
        'this Kong has no $arr_request: see docs/installation.md for the nginx include that saves calls',
      );
    });
    const request = new KongRequest(pdk, variables, this.#entities, this.#settings);
    const decision = await this.#decide(request);
    switch (decision.kind) {
      case 'reply':
        await this.#reply(pdk, variables, decision.reply);
        break;
      case 'hand-off':
        // The submit made it: access knows the order by its kind alone.
        await this.#handOff(pdk, variables, decision.command as StreamingCommand);
        break;
      case 'pass':
        await passOn(pdk, decision);
    }
  }

  /** The store stays open for the request, also where the instance has been replaced meanwhile. */
  async #decide(request: KongRequest): Promise<Decision> {
    const { store, release } = this.#openStore();
    try {
      return await access(request, this.#settings, store, this.#log);
    } finally {
      release();
    }
  }

  async #reply(pdk: Pdk, variables: NginxVariables, reply: Reply): Promise<void> {
    const { body, ...head } = reply;
    if (Buffer.isBuffer(body)) {
      await sendReply(pdk, variables, { ...head, body });
    } else {
      await presetFields(pdk, head.presets ?? []);
      await this.#handOff(pdk, variables, { kind: 'replay', ...head, body });
    }
  }

  async #handOff(pdk: Pdk, variables: NginxVariables, command: StreamingCommand): Promise<void> {
    const { handoff } = pluginRuntime();
    const port = handoff?.port();
    if (handoff === undefined || port === undefined) {
      await sendReply(pdk, variables, restartingReply());
      return;
    }
    const method = await settleMethod(pdk, variables, true);
    const ticket = handoff.seal({ settingsKey: this.#settingsKey, method, command: command });
    await handOff(pdk, variables, port, ticket);
  }
}
