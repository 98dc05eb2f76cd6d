// Lists in field values (RFC 9110, 5.6.1).

/**
 * The items between the commas, without empty ones. A comma in a quoted string does not separate items; a quote that is not closed
 * extends to the end. The time is proportional to the length, whatever a client sends.
 */
export function splitList(value: string): string[] {
  const items: string[] = [];
  let from = 0;
  let isQuoted = false;
  for (let at = 0; at < value.length; at++) {
    const char = value[at];
    if (isQuoted && char === '\\') {
      at += 1;
    } else if (char === '"') {
      isQuoted = !isQuoted;
    } else if (char === ',' && !isQuoted) {
      items.push(value.slice(from, at).trim());
      from = at + 1;
    }
  }
  items.push(value.slice(from).trim());
  return items.filter((item) => item !== '');
}
