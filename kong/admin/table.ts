// Text tables: aligned columns with two spaces between them.

/** A stored path may contain control characters, which must not reach the terminal. */
// eslint-disable-next-line no-control-regex -- control characters are the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

export const printable = (text: string): string => text.replace(CONTROL, '?');

const width = (text: string): number => [...text].length;

/**
 * @param head titles of the columns; `>` at the beginning aligns the column to the right.
 * @returns lines without trailing spaces
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

/** Names and values, one pair on each line. */
export const pairs = (lines: readonly (readonly [string, string])[]): string => {
  const widest = Math.max(...lines.map(([name]) => width(name)));
  return lines.map(([name, value]) => `${name.padEnd(widest)}  ${printable(value)}`.trimEnd()).join('\n');
};
