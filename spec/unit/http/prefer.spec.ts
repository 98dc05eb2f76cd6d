// RFC 7240: the grammar of Prefer as a table, and what must be true of any field as properties.
import fc from 'fast-check';
import { parsePreferences, preferencesOf } from '../../../plugins/async-request-reply/http/prefer';

const RESPOND_ASYNC: [string, string[], boolean][] = [
  ['the bare token', ['respond-async'], true],
  ['any case', ['Respond-ASYNC'], true],
  ['a later member', ['wait=10, respond-async'], true],
  ['a later line', ['return=minimal', 'respond-async; foo="a,b"'], true],
  ['behind a quoted string with a comma and an escape', ['foo="a, \\" b", respond-async'], true],
  ['spaces and tabs around it', ['\t respond-async \t, wait=1'], true],
  ['an empty value, which is none', ['respond-async=""'], true],
  ['parameters of its own', ['respond-async;x;y = "z"'], true],
  ['empty members before it', [', ,respond-async,'], true],
  ['a member before it that is none', ['=x, respond-async'], true],
  ['no field', [], false],
  ['another preference', ['wait=10'], false],
  ['a value that looks like it', ['foo="respond-async"'], false],
  ['a longer token', ['respond-asynchronous'], false],
  ['a parameter of another', ['foo; respond-async'], false],
  ['two words', ['respond async'], false],
  ['a name in parts', ['respond; async'], false],
  ['a value, which it has none of', ['respond-async=yes'], false],
  ['a value first: the first counts', ['respond-async=no, respond-async'], false],
  ['a quoted string that does not end', ['foo="bar, respond-async'], false],
  ['nothing', [''], false],
];

const WAIT: [string, string[], number | undefined][] = [
  ['seconds', ['wait=10'], 10],
  ['any case, spaces around =', ['WAIT = 7'], 7],
  ['a quoted value', ['wait="12"'], 12],
  ['an escaped quoted value', ['wait="1\\2"'], 12],
  ['zero', ['wait=0'], 0],
  ['the first of two', ['wait=1, wait=2'], 1],
  ['the first of two lines', ['respond-async, wait=3', 'wait=4'], 3],
  ['parameters behind', ['wait=5; x=y'], 5],
  ['a number over every limit', [`wait=${'9'.repeat(400)}`], Infinity],
  ['no value', ['wait'], undefined],
  ['an empty value', ['wait='], undefined],
  ['a sign', ['wait=-1'], undefined],
  ['a fraction', ['wait=1.5'], undefined],
  ['no number', ['wait=soon'], undefined],
  ['a first that is none: it counts all the same', ['wait=soon, wait=2'], undefined],
  ['another preference', ['awaits=3'], undefined],
];

describe('Prefer', () => {
  test.each(RESPOND_ASYNC)('Prefer: respond-async, written as %s', (_case, fields, expected) => {
    expect(preferencesOf(fields).respondAsync).toBe(expected);
  });

  test.each(WAIT)('Prefer: wait, written as %s', (_case, fields, expected) => {
    expect(preferencesOf(fields).waitSeconds).toBe(expected);
  });
});

const TOKEN_CHARS = "!#$%&'*+.^_`|~0123456789ABCXYZabcxyz-";
const token = fc
  .array(fc.constantFrom(...TOKEN_CHARS), { minLength: 1, maxLength: 12 })
  .map((chars) => chars.join(''));
const blank = fc.constantFrom('', ' ', '\t', '  ');
const text = fc.string({ unit: fc.constantFrom(...' ,;="\\abc09'), maxLength: 12 });
const quoted = text.map((value) => ({ value, written: `"${value.replace(/[\\"]/g, '\\$&')}"` }));
const word = fc.oneof(
  token.map((value) => ({ value, written: value })),
  quoted,
);
const parameter = fc
  .tuple(blank, token, blank, fc.option(word))
  .map(([before, name, between, value]) =>
    value === null ? `${before}${name}` : `${before}${name}${between}=${between}${value.written}`,
  );

/** A preference, and how a client may write it. */
const preference = fc
  .tuple(token, fc.option(word), blank, blank, fc.array(parameter, { maxLength: 2 }))
  .map(([name, value, around, between, parameters]) => ({
    name: name.toLowerCase(),
    value: value?.value ?? '',
    written: [
      `${around}${name}${value === null ? '' : `${between}=${between}${value.written}`}${around}`,
      ...parameters,
    ].join(';'),
  }));

/** Cuts a list at any of its commas into lines. */
const lines = (members: readonly string[], cuts: readonly boolean[]): string[] =>
  members.reduce<string[]>((made, member, at) => {
    const last = made.at(-1);
    return last === undefined || cuts[at % Math.max(cuts.length, 1)] === true
      ? [...made, member]
      : [...made.slice(0, -1), `${last},${member}`];
  }, []);

const firstOfEach = (members: readonly { name: string; value: string }[]): Map<string, string> => {
  const first = new Map<string, string>();
  for (const { name, value } of members) {
    if (!first.has(name)) first.set(name, value);
  }
  return first;
};

describe('any value of Prefer', () => {
  test('the first preference of each name counts, however the field is split into lines', () => {
    fc.assert(
      fc.property(fc.array(preference), fc.array(fc.boolean()), (members, cuts) => {
        const fields = lines(
          members.map(({ written }) => written),
          cuts,
        );
        expect(parsePreferences(fields)).toEqual(firstOfEach(members));
      }),
    );
  });

  test('a Prefer field means the same in one line as in several', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (fields) => {
        expect(parsePreferences(fields)).toEqual(parsePreferences([fields.join(',')]));
      }),
    );
  });

  test('any input is read as names that are tokens in lower case', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), text), { maxLength: 5 }),
        (fields) => {
          for (const name of parsePreferences(fields).keys()) {
            expect(name).toMatch(/^[!#$%&'*+.^_`|~0-9a-z-]+$/);
          }
        },
      ),
    );
  });

  test('unknown preferences do not change the meaning of known ones', () => {
    const unknown = preference.filter(({ name }) => name !== 'wait' && name !== 'respond-async');
    fc.assert(
      fc.property(fc.array(unknown), fc.array(unknown), fc.nat(), (before, after, seconds) => {
        const members = [...before, { written: `respond-async, wait=${seconds}` }, ...after];
        expect(preferencesOf(members.map(({ written }) => written))).toEqual({
          respondAsync: true,
          waitSeconds: seconds,
        });
      }),
    );
  });

  test('reading takes time proportional to the length', () => {
    const hostile = [
      '"\\'.repeat(50_000),
      ' '.repeat(100_000),
      `a${' '.repeat(100_000)}b`,
      'a="'.repeat(50_000),
    ];
    for (const field of hostile) {
      const startedAt = performance.now();
      parsePreferences([field]);
      // Quadratic, each would take minutes.
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    }
  });
});
