// Parses a request body as JSON (RFC 8259). Text that the plugin and the upstream might understand differently is rejected. Numbers are
// those of IEEE 754, as RFC 8259, 6 advises to expect.

export type ParsedJson =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'problem'; readonly pointer: string; readonly message: string };

const problem = (message: string, pointer = ''): ParsedJson => ({ kind: 'problem', pointer, message });

/**
 * Accepts UTF-8 without a byte order mark, in which the names of an object differ. `__proto__` is a name like any other.
 *
 * @returns a problem if it is rejected. The message contains nothing of the body.
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
  /** The names so far; undefined in an array. */
  readonly names: Set<string> | undefined;
  expectsName: boolean;
  at: string | number;
}

/** Scans a text that is known to be JSON, without recursion. @returns a pointer to the second of two equal names. */
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

/** The position of the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = start + 1;
  while (text[end] !== '"') {
    end += text[end] === '\\' ? 2 : 1;
  }
  return end;
}
