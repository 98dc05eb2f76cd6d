// Reads a request body as JSON (RFC 8259), without room for two readings: what this program and the upstream might
// understand differently is not JSON here. Numbers are those of IEEE 754, as RFC 8259, 6 advises to expect.

export type ParsedJson =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'problem'; readonly pointer: string; readonly message: string };

const problem = (message: string, pointer = ''): ParsedJson => ({ kind: 'problem', pointer, message });

/**
 * UTF-8 without a byte order mark, names in an object different from each other. `__proto__` is a name like any other.
 *
 * @returns a problem whose message holds nothing of the body.
 */
export function parseJson(pieces: readonly Uint8Array[]): ParsedJson {
  const bytes = Buffer.concat(pieces);
  if (bytes.length === 0) {
    return problem('must be JSON, and is empty');
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return problem('must be JSON in UTF-8');
  }
  if (text.startsWith('\ufeff')) {
    return problem('must be JSON without a byte order mark');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return problem('must be JSON');
  }
  const repeated = findRepeatedName(text);
  return repeated === undefined
    ? { kind: 'json', value }
    : problem('must not have two members of one name', repeated);
}

/** Escapes a member's name for a JSON Pointer (RFC 6901, 3). */
export const pointerSegment = (name: string): string =>
  `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;

interface Level {
  /** Names so far; undefined in an array. */
  readonly names: Set<string> | undefined;
  expectsName: boolean;
  at: string | number;
}

/** Goes through a text that is known to be JSON, without recursion. @returns a pointer to the second of two like names. */
function findRepeatedName(text: string): string | undefined {
  const levels: Level[] = [];
  for (let i = 0; i < text.length; i += 1) {
    const level = levels.at(-1);
    switch (text[i]) {
      case '{':
        levels.push({ names: new Set(), expectsName: true, at: '' });
        break;
      case '[':
        levels.push({ names: undefined, expectsName: false, at: 0 });
        break;
      case '}':
      case ']':
        levels.pop();
        break;
      case ',':
        nextItem(level);
        break;
      case '"': {
        const end = endOfString(text, i);
        if (level?.names !== undefined && level.expectsName) {
          const name = JSON.parse(text.slice(i, end + 1)) as string;
          level.at = name;
          level.expectsName = false;
          if (level.names.has(name)) {
            return levels.map(({ at }) => pointerSegment(String(at))).join('');
          }
          level.names.add(name);
        }
        i = end;
        break;
      }
      case undefined:
      default:
    }
  }
  return undefined;
}

function nextItem(level: Level | undefined): void {
  if (level === undefined) {
    return;
  }
  if (level.names === undefined) {
    level.at = Number(level.at) + 1;
  } else {
    level.expectsName = true;
  }
}

/** Where the string that begins at `start` has its closing quote. */
function endOfString(text: string, start: number): number {
  let end = start + 1;
  while (text[end] !== '"') {
    end += text[end] === '\\' ? 2 : 1;
  }
  return end;
}
