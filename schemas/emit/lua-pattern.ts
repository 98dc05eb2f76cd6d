/** From a regular expression to a Lua pattern, for the one form that both have: a whole string of one character class. */

/** @throws Error where the expression is not of the form `^[…]+$`; such a field declares its Lua pattern by hand */
export function toLuaPattern(expression: string): string {
  const members = /^\^\[([^\\[\]]+)\]\+\$$/.exec(expression)?.[1];
  if (members === undefined) {
    throw new Error(`no Lua pattern can be derived from ${expression}`);
  }
  // In a Lua class only ranges keep their hyphen; every other sign may be escaped with a percent sign.
  const escaped = members.replace(
    /([A-Za-z0-9]-[A-Za-z0-9])|([^A-Za-z0-9])/g,
    (_, range?: string, sign?: string) => (range === undefined ? `%${sign}` : range),
  );
  return `^[${escaped}]+$`;
}
