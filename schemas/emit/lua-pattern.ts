/** Converts a regular expression to a Lua pattern, for strings of one character class. */

/** @throws Error if the expression does not have the form `^[…]+$`; such a field declares its own Lua pattern */
export function toLuaPattern(expression: string): string {
  const members = /^\^\[([^\\[\]]+)\]\+\$$/.exec(expression)?.[1];
  if (members === undefined) {
    throw new Error(`no Lua pattern can be derived from ${expression}`);
  }
  // In a Lua class only ranges have an unescaped hyphen. Every other sign may be escaped with a percent sign.
  const escaped = members.replace(
    /([A-Za-z0-9]-[A-Za-z0-9])|([^A-Za-z0-9])/g,
    (_, range?: string, sign?: string) => (range === undefined ? `%${sign}` : range),
  );
  return `^[${escaped}]+$`;
}
