/** Converts the text of an environment variable to a value of the declared type. */
import type { SettingSchema } from './setting-schema';

/** Converts `host:port` to a record whose first field is the host: the nodes of Cluster and Sentinel are declared so. */
function parseNode(text: string, schema: SettingSchema): unknown {
  const [hostField] = Object.keys(schema.properties ?? {});
  const [, v6, name, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(text) ?? [];
  if (hostField === undefined) {
    return text;
  }
  return { [hostField]: v6 ?? name ?? text, ...(port === undefined ? {} : { port: parseInteger(port) }) };
}

function parseInteger(text: string): number | string {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

/**
 * Elements of lists are separated by commas, and records in lists are `host:port`. A text that does not have the declared
 * type is returned as it is, and the check rejects it.
 */
export function parseVariable(text: string, schema: SettingSchema): unknown {
  switch (schema.type) {
    case 'integer':
      return parseInteger(text);
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'array':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
        .map((part) => (schema.items?.type === 'object' ? parseNode(part, schema.items) : part));
    case 'string':
    case 'object':
      return text;
  }
}
