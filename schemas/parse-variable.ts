/** From the text of an environment variable to a value of the declared type. */
import type { SettingSchema } from './setting-schema';

/** `host:port` to a record whose first field is the host, as the nodes of Cluster and Sentinel are declared. */
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
 * Lists are separated by commas; records in them are `host:port`. What is not of the declared type stays text, for the
 * check to refuse it.
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
