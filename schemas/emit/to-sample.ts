/** Converts a declaration to a block of kong.yml that contains every default, with a comment on each field. */
import type { JsonValue, RecordSchema, SettingSchema } from '../setting-schema';

const WIDTH = 110;

function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const longer = `${last ?? `${indent}#`} ${word}`;
    if (last !== undefined && longer.length > WIDTH) {
      lines.push(`${indent}# ${word}`);
    } else {
      lines.splice(-1, lines.length === 0 ? 0 : 1, longer);
    }
  }
  return lines;
}

function scalar(value: JsonValue): string {
  // JSON is YAML; plain words need no quotes.
  return typeof value === 'string' && /^[A-Za-z][\w./-]*$/.test(value) ? value : JSON.stringify(value);
}

function inlineList(value: readonly JsonValue[]): string {
  return `[${value.map(scalar).join(', ')}]`;
}

/** Whether a record has defaults to write. A record whose fields are all optional would be null in YAML. */
function hasDefaults(schema: SettingSchema): boolean {
  return (
    schema.default !== undefined &&
    Object.values(schema.properties ?? {}).some(({ default: value }) => value !== undefined)
  );
}

function fieldLines(name: string, schema: SettingSchema, isNeeded: boolean, indent: string): string[] {
  const head = comment(schema.description ?? '', indent);
  const { default: value } = schema;
  if (schema.type === 'object') {
    const [before, within] = hasDefaults(schema) ? ['', '  '] : ['# ', '#   '];
    return [...head, `${indent}${before}${name}:`, ...recordLines(schema, `${indent}${within}`)];
  }
  if (value === undefined) {
    return [...head, isNeeded ? `${indent}${name}: # required` : `${indent}# ${name}:`];
  }
  return [...head, `${indent}${name}: ${Array.isArray(value) ? inlineList(value) : scalar(value)}`];
}

function recordLines(schema: SettingSchema, indent: string): string[] {
  const fields = Object.entries(schema.properties ?? {});
  return fields.flatMap(([name, inner], index) => {
    const isApart = inner.type === 'object' || fields[index - 1]?.[1].type === 'object';
    const lines = fieldLines(name, inner, (schema.required ?? []).includes(name), indent);
    return isApart && index > 0 && !indent.includes('#') ? ['', ...lines] : lines;
  });
}

/** Fields without a default and records that may be absent are comments in the sample. */
export function toSample(schema: RecordSchema, pluginName: string): string {
  const lines = ['plugins:', `  - name: ${pluginName}`, '    config:', ...recordLines(schema, '      ')];
  return `${lines.join('\n')}\n`;
}
