// docs/contract.md names the test that verifies each sentence of the contract.
import { existsSync } from 'node:fs';
import { inRoot, readText } from './files';

interface Row {
  standard: string;
  behaviour: string;
  spec: string;
}

const rows: Row[] = readText('docs/contract.md')
  .split('\n')
  .flatMap((line) => {
    const [, standard = '', behaviour = '', spec = ''] =
      /^\| (.+?) \| (.+) \| `([^`]+)` \|$/.exec(line) ?? [];
    return spec === '' ? [] : [{ standard, behaviour, spec }];
  });

/** A title stands alone between quotes of one kind; in those it may be escaped. */
function holdsTitle(text: string, title: string): boolean {
  const escaped = title.replaceAll("'", "\\'");
  return [`'${title}'`, `"${title}"`, `\`${title}\``, `'${escaped}'`].some((quoted) => text.includes(quoted));
}

test('every row of docs/contract.md has a standard, a title and a spec', () => {
  const lines = readText('docs/contract.md')
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|(---|\s*standard)/.test(line));
  expect(rows).toHaveLength(lines.length);
  expect(rows.length).toBeGreaterThan(60);
});

test.each(rows)('$spec has a test "$behaviour"', ({ behaviour, spec }) => {
  expect(existsSync(inRoot(spec))).toBe(true);
  expect(holdsTitle(readText(spec), behaviour)).toBe(true);
});

test.each(rows)('"$behaviour" names a standard, or states that there is none', ({ standard }) => {
  expect(standard).toMatch(/^(ours|(RFC \d{4}, \d[\d.]*(, \d[\d.]*)*(; )?)+|Standard Webhooks.*|draft-.*)$/);
});

test('docs/contract.md has no duplicate rows', () => {
  const said = rows.map(({ behaviour, spec }) => `${spec} ${behaviour}`);
  expect(said).toHaveLength(new Set(said).size);
});
