/**
 * Kong's schema.lua: the same fields as in JavaScript, and what only Lua can express (protocols, checks across records,
 * comparisons). The copy for Konnect, which accepts no `require`, omits the check that needs a JSON parser.
 */
import type { Rule } from '../rule';
import type { RecordSchema } from '../setting-schema';
import { toTopEntityChecks } from './entity-checks';
import type { KongData } from './kong-data';
import { toKongFields } from './to-kong-schema';
import { toLua } from './to-lua';

/** Only http and https: gRPC cannot express a 202, and the stream protocols have no requests. */
const PROTOCOLS: KongData = {
  protocols: {
    description: 'Protocols of the routes that can have the plugin: http and https.',
    type: 'set',
    required: true,
    default: ['http', 'https'],
    elements: { type: 'string', one_of: ['http', 'https'] },
  },
};

const JSON_CHECK = `
local decode = require("cjson.safe").decode


local function is_json_object(text)
  if type(decode(text)) ~= "table" then
    return nil, "must be the JSON text of an object"
  end

  return true
end
`;

const ORDER_CHECK = `
local function in_order(low, high)
  return function(record)
    local a, b = record[low], record[high]
    if type(a) == "number" and type(b) == "number" and a > b then
      return nil, high .. " must not be less than " .. low
    end

    return true
  end
end
`;

const DIFFER_CHECK = `
local function value_at(record, path)
  local value = record
  for name in path:gmatch("[^.]+") do
    if type(value) ~= "table" then
      return nil
    end

    value = value[name]
  end

  return value
end


local function differ(paths)
  return function(record)
    local seen = {}
    for _, path in ipairs(paths) do
      local value = value_at(record, path)
      if type(value) == "string" then
        local name = value:lower()
        if seen[name] then
          return nil, path .. " must not be the same as " .. seen[name]
        end

        seen[name] = path
      end
    end

    return true
  end
end
`;

interface LuaSchemaOptions {
  readonly name: string;
  /** Lines at the top of the file, as Lua comments. */
  readonly head: readonly string[];
  readonly schema: RecordSchema;
  readonly rules: readonly Rule[];
  /** Whether the file must not contain a `require`. */
  readonly forKonnect: boolean;
}

export function toLuaSchema({ name, head, schema, rules, forKonnect }: LuaSchemaOptions): string {
  const fields = toKongFields(schema, rules, forKonnect ? 'konnect' : 'lua');
  const description = schema.description ?? '';
  const whole = {
    name,
    fields: [PROTOCOLS, { config: { description, type: 'record', required: true, fields } }],
    entity_checks: toTopEntityChecks(rules),
  };
  const parts = [
    head.map((line) => `-- ${line}\n`).join(''),
    forKonnect ? '' : `${JSON_CHECK}\n`,
    `${ORDER_CHECK}\n${DIFFER_CHECK}\n\n`,
    `return ${toLua(whole)}\n`,
  ];
  return parts.join('');
}
