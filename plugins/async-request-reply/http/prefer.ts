// The Prefer field of a request (RFC 7240). It is not a structured field. The only library for it reads `respond; async` as
// `respond-async` and does not support escapes in quoted strings.

/** The preferences that the plugin supports. */
export interface Preferences {
  /** The client prefers an immediate response over one that waits (RFC 7240, 4.1). */
  readonly respondAsync: boolean;
  /** How long the client is willing to wait (RFC 7240, 4.3); undefined if it states no time. */
  readonly waitSeconds: number | undefined;
}

const COMMA = ',';

/** RFC 9110, 5.6.2. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

/** A name, a value if there is one, and then the end or parameters, which the supported preferences do not have. */
const MEMBER = new RegExp(
  `^[ \\t]*(${TOKEN})(?:[ \\t]*=[ \\t]*(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?[ \\t]*(?:;|$)`,
);

/**
 * The preferences of a request by their names in lower case. A preference without a value has ''.
 *
 * @param fields the values of the Prefer fields in their order: several fields are one list (RFC 9110, 5.3). If a preference is given
 *   twice, the first one counts (RFC 7240, 2). Malformed members are ignored.
 */
export function parsePreferences(fields: readonly string[]): ReadonlyMap<string, string> {
  const preferences = new Map<string, string>();
  for (const member of membersOf(fields.join(COMMA))) {
    const [whole, name = '', token, quoted] = MEMBER.exec(member) ?? [];
    const key = name.toLowerCase();
    if (whole !== undefined && !preferences.has(key)) {
      preferences.set(key, token ?? quoted?.replace(/\\(.)/g, '$1') ?? '');
    }
  }
  return preferences;
}

/** The supported preferences among `fields` (see {@link parsePreferences}). A preference with an invalid value is ignored. */
export function preferencesOf(fields: readonly string[]): Preferences {
  const preferences = parsePreferences(fields);
  const wait = preferences.get('wait') ?? '';
  return {
    respondAsync: preferences.get('respond-async') === '',
    waitSeconds: /^\d+$/.test(wait) ? Number(wait) : undefined,
  };
}

/** The members of a list, in order. A comma in a quoted string does not separate members. */
function membersOf(list: string): string[] {
  const members: string[] = [];
  let isQuoted = false;
  let start = 0;
  for (let at = 0; at < list.length; at += 1) {
    const char = list[at];
    if (isQuoted && char === '\\') {
      at += 1;
    } else if (char === '"') {
      isQuoted = !isQuoted;
    } else if (char === COMMA && !isQuoted) {
      members.push(list.slice(start, at));
      start = at + 1;
    }
  }
  members.push(list.slice(start));
  return members;
}
