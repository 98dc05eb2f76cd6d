// Tables for people: columns aligned, two spaces between them.

/** Control characters, which a stored path may hold, would reach the terminal. */
// eslint-disable-next-line no-control-regex -- control characters are the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

export const printable = (text: string): string => text.replace(CONTROL, '?');

const width = (text: string): number => [...text].length;

/**
 * @param head titles of the columns; one that begins with `>` is aligned to the right.
 * @returns lines with no spaces at their ends
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const right = head.map((title) => title.startsWith('>'));
  const lines = [head.map((title) => title.replace(/^>/, '')), ...rows].map((row) => row.map(printable));
  const widths = head.map((_title, column) => Math.max(...lines.map((line) => width(line[column] ?? ''))));
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const fill = ' '.repeat((widths[column] ?? 0) - width(cell));
          return right[column] ? fill + cell : cell + fill;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values, one pair a line. */
export const pairs = (lines: readonly (readonly [string, string])[]): string => {
  const widest = Math.max(...lines.map(([name]) => width(name)));
  return lines.map(([name, value]) => `${name.padEnd(widest)}  ${printable(value)}`.trimEnd()).join('\n');
};
