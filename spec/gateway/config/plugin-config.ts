import type { LuaValue } from '../rpc/lua-value';

/** A plugin's configuration as Kong hands it to a handler: the user's fields and Kong's own keys beside them. */
export interface PluginConfig {
  [field: string]: LuaValue;
  __plugin_id: string;
  __ws_id: string;
  __key__: string;
  __seq__: number;
}
