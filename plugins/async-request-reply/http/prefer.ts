// The Prefer field of a request (RFC 7240). It is no structured field, and the one library for it on the registry takes
// `respond; async` for `respond-async` and knows no escapes in quoted strings.

/** The preferences that this program honours. */
export interface Preferences {
  /** The client prefers an answer at once over one that waits (RFC 7240, 4.1). */
  readonly respondAsync: boolean;
  /** How long the client is ready to wait (RFC 7240, 4.3), as it asked; undefined where it names no time. */
  readonly waitSeconds: number | undefined;
}

const COMMA = ',';

/** RFC 9110, 5.6.2. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

/** A name, the value where there is one, and then the end or parameters, of which the preferences here have none. */
const MEMBER = new RegExp(
  `^[ \\t]*(${TOKEN})(?:[ \\t]*=[ \\t]*(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?[ \\t]*(?:;|$)`,
);

/**
 * The preferences that a request names, by their names in lower case; one without a value has ''.
 *
 * @param fields the values of the Prefer fields in their order: several are one list (RFC 9110, 5.3). Of a preference
 *   that is named twice the first counts (RFC 7240, 2); a member that is none is passed over.
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

/** What of `fields` (see {@link parsePreferences}) this program honours. A value that is not of the kind counts as none. */
export function preferencesOf(fields: readonly string[]): Preferences {
  const preferences = parsePreferences(fields);
  const wait = preferences.get('wait') ?? '';
  return {
    respondAsync: preferences.get('respond-async') === '',
    waitSeconds: /^\d+$/.test(wait) ? Number(wait) : undefined,
  };
}

/** The members of a list, in order; a comma in a quoted string separates nothing. */
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
