// kong-pdk's server side, typed. The package declares types for plugins only, so the parts that we build on are
// described here, after kong-pdk's `server.js`, `pdk.js` and `lib/mod.js` (0.6.0).
import { createRequire } from 'node:module';

/** A loaded plugin folder (kong-pdk's `lib/mod.js`): reads its `Name`, `Version`, `Priority`, `Schema` and phases. */
interface PluginModule {
  readonly name: string;
  /** What the plugin's entry file exports. */
  readonly mod: unknown;
  /** Constructs the plugin for one configuration; whatever the constructor throws comes through. */
  readonly new: (this: PluginModule, config: unknown) => PluginInstance;
  getMTime(): number;
  getLoadTime(): number;
  getLastStartInstanceTime(): number;
  getLastCloseInstanceTime(): number;
}

/** One configured plugin. */
export interface PluginInstance {
  /** Runs the plugin's method of that name with a `kong` object; returns or throws what that does. */
  executePhase(phase: string, kong: unknown): unknown;
  getName(): string;
  /** In seconds since the epoch. */
  getStartTime(): number;
  /** Only takes note of the time. */
  close(): void;
}

/** kong-pdk's logger port. */
interface ServerLogger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** The parts of kong-pdk's `Server` that ours keeps or overrides. */
interface KongPdkServer {
  readonly plugins: Map<string, PluginModule>;
  /** Starts the timer that drops instances unused for 60 s; called by the constructor. */
  clearExpiredPlugins(ttl: number): unknown;
  close(): void;
  GetStatus(): Promise<unknown>;
  GetPluginInfo(name: string): Promise<unknown>;
  StartInstance(request: unknown): Promise<unknown>;
  InstanceStatus(instanceId: unknown): Promise<unknown>;
  CloseInstance(instanceId: unknown): Promise<unknown>;
  HandleEvent(event: unknown): Promise<unknown>;
  /** Behind every `Step…` method. */
  step(answer: unknown, isError: boolean): Promise<unknown>;
}

/** What kong-pdk's PDK wants of its pipe: `put` a call, `get` its result and error. */
export interface PdkPipe {
  put(call: { Method: string; Args: unknown[] }): void;
  get(): Promise<readonly [result: unknown, error: unknown]>;
}

interface KongPdk {
  /** Loads the plugins of a directory in its constructor; a plugin that does not load is a warning. */
  readonly Server: new (pluginDirectory: string, logger: ServerLogger) => KongPdkServer;
  /** `kong` turns `kong.a.bC(...)` into the call `kong.a.b_c` on its pipe. */
  readonly Pdk: new (pipe: PdkPipe) => { readonly kong: unknown };
}

/** kong-pdk without its ts-node. */
export const kongPdk: KongPdk = loadWithoutTsNode();

// kong-pdk's `lib/mod.js` registers ts-node as it loads, to take plugins in TypeScript. Ours are compiled: it would cost 0.3 s at
// each start and each `kong reload`, 64 MB in each process, and put source maps under every stack. So while it loads it
// finds an empty ts-node. (Where `node -r ts-node/…` runs us from source, that ts-node is registered already and stays.)
function loadWithoutTsNode(): KongPdk {
  const load = createRequire(__filename);
  const tsNode = createRequire(load.resolve('kong-pdk/server')).resolve('ts-node');
  const before = load.cache[tsNode];
  load.cache[tsNode] = { exports: { register: () => undefined } } as unknown as NodeJS.Module; // only `exports` is read
  try {
    return {
      Server: load('kong-pdk/server') as KongPdk['Server'],
      Pdk: load('kong-pdk/pdk') as KongPdk['Pdk'],
    };
  } finally {
    if (before === undefined) {
      delete load.cache[tsNode];
    } else {
      load.cache[tsNode] = before;
    }
  }
}
