// Every problem has its page, and every page its problem.
import { readdirSync } from 'node:fs';
import {
  problemType,
  PROBLEMS,
  type ProblemCode,
} from '../../../plugins/async-request-reply/errors/problem-catalog';
import { inRoot, readText } from '../packaging/files';

const codes = Object.keys(PROBLEMS) as ProblemCode[];
const index = readText('docs/problems/README.md');

test('every problem type has a page in docs/problems, and there is no page without one', () => {
  const pages = readdirSync(inRoot('docs/problems')).filter((name) => name !== 'README.md');
  expect(pages.sort()).toEqual(codes.map((code) => `${code}.md`).sort());
});

test.each(codes)('the page of %s has its type, status and title, and states what to do', (code) => {
  const { status, title } = PROBLEMS[code];
  const page = readText(`docs/problems/${code}.md`);
  expect(page.startsWith(`# ${title}\n\n\`type\`: \`${problemType(code)}\` · status ${status}\n\n`)).toBe(
    true,
  );
  expect(page).toContain('\n## What to do\n');
  expect(index).toContain(`| [${code}](${code}.md) | ${status} | ${title} |`);
});
