// One configured plugin: what it derives from its configuration once, and how it handles a request.
import type { Config } from '../../schemas/generated/config-type';
import { access } from './access/access';
import type { AccessLog } from './access/access-context';
import type { GatewayAction } from './access/gateway-action';
import { checkConfig } from './access/route/check-config';
import { workerSecrets } from './access/route/route-secrets';
import { jobLifeMs, jobSettings, routeSettings, type RouteSettings } from './access/route/route-settings';
import { hasRequestSchemas } from './access/route/validation-settings';
import type { AccessStore } from './accept/access-store';
import type { OpenStore } from './accept/store-registry';
import { INLINE_MAX_REQUEST_BYTES, INLINE_MAX_RESPONSE_BYTES } from './http/inline-limits';
import { EntityCache } from './kong-api/entity-cache';
import { executeAction } from './kong-api/execute-action';
import { KongRequest } from './kong-api/kong-request';
import { numberField, stringField } from './kong-api/lua-values';
import { NginxVariables } from './kong-api/nginx-variables';
import type { Pdk } from './kong-api/pdk';
import { pluginRuntime } from './plugin-runtime';

export class PluginInstance {
  readonly #settings: RouteSettings;
  readonly #openStore: OpenStore;
  readonly #settingsKey: string;
  readonly #entities: EntityCache;
  /** Warnings that have been logged. */
  readonly #warnings = new Set<string>();
  #hasCombinedVariable = true;

  /**
   * @param raw the configuration as Kong sent it: no declared field says which route and service the plugin belongs to.
   * @throws ConfigError that lists every problem of the configuration: a setting that is not available in this release, a certificate
   *   without its key, an invalid or repeated encryption key, a schema that does not compile.
   */
  constructor(config: Config, raw: unknown) {
    checkConfig(config);
    const { stores, secrets, validators, instanceStores, handoff } = pluginRuntime();
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
    instanceStores.add({ key: stringField(raw, '__key__'), seq: numberField(raw, '__seq__') }, lease);
    this.#registerQueue(lease.store, settings.queueName ?? stringField(raw, 'service_id'));
    if (handoff === undefined) {
      this.#warnAboutLimits(config);
    }
  }

  /** Makes the queue known to the workers before its first job, if its name is known without a request. */
  #registerQueue(store: AccessStore, queue: string | undefined): void {
    if (queue === undefined || this.#settings.intercept === 'never') {
      return;
    }
    const settings = jobSettings(this.#settings, queue, { tlsVerify: false });
    store.registerQueue(queue, settings, jobLifeMs(this.#settings)).catch(() => {
      // Redis is down. The first accept registers the queue.
    });
  }

  #warnAboutLimits({ request, response }: Config): void {
    if (
      request.max_body_bytes > INLINE_MAX_REQUEST_BYTES ||
      response.max_body_bytes > INLINE_MAX_RESPONSE_BYTES
    ) {
      pluginRuntime().log.warn(
        { requestBytes: this.#settings.maxRequestBytes, responseBytes: this.#settings.maxResponseBytes },
        'this plugin server has no handoff listener: larger requests get 413, larger responses fail their job',
      );
    }
  }

  readonly #log: AccessLog = {
    error: (error) => pluginRuntime().log.error({ err: error }, 'request not handled'),
    warnOnce: (text) => {
      if (!this.#warnings.has(text)) {
        this.#warnings.add(text);
        pluginRuntime().log.warn(text);
      }
    },
  };

  /** The access phase of one request. */
  async access(pdk: Pdk): Promise<void> {
    const { log, handoff } = pluginRuntime();
    const variables = await NginxVariables.load(pdk, this.#hasCombinedVariable, () => {
      this.#hasCombinedVariable = false;
      log.info(
        'this Kong has no $arr_request: see docs/installation.md for the nginx include that saves calls',
      );
    });
    const request = new KongRequest(pdk, variables, this.#entities, this.#settings);
    const action = await this.#decide(request);
    await executeAction(action, { pdk, variables, handoff, settingsKey: this.#settingsKey });
  }

  /** The store stays open during the request, even if the instance is replaced meanwhile. */
  async #decide(request: KongRequest): Promise<GatewayAction> {
    const { store, release } = this.#openStore();
    try {
      return await access({ request, settings: this.#settings, store, log: this.#log });
    } finally {
      release();
    }
  }
}
