// Every link, file and section that a page or a comment names exists. A file of another project is named with its
// project, as in "Kong's runloop/handler.lua".
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inRoot, readText } from './files';

const SKIPPED = new Set(['node_modules', 'dist', 'coverage', '.git', '.pongo']);
const GENERATED = /^(schemas\/generated|spec\/fixtures)\//;

/** Names of files that users have, and a name that looks like one of a file. */
const OTHER_NAMES = new Set([
  'Node.js',
  'FILE.json',
  'kong.conf',
  'redis.conf',
  'accept.json',
  'local.yml',
  'handler.lua',
]);

/** Other projects whose files our comments cite. */
const PROJECTS = ['Kong', 'kong-pdk', 'BullMQ', 'Redis', 'nginx', 'Node.js', 'ioredis', 'redis-parser'];

/** Folders of Kong's sources and of packages: a path that begins so names its project itself. */
const FOREIGN_FOLDERS = /^(kong\/(runloop|pdk|db|tools|error_handlers|plugins\/cors)|redis-parser\/lib)\b/;

const EXTENSIONS = 'ts|mjs|js|lua|md|yml|yaml|sh|jsonl|json|svg|conf\\.example|conf|service';

function filesUnder(folder: string): string[] {
  return readdirSync(inRoot(folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (SKIPPED.has(entry.name)) {
      return [];
    }
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

const files = filesUnder('.');
const pages = files.filter((path) => path.endsWith('.md'));

const COMMENTS: Readonly<Record<string, RegExp>> = {
  ts: /(?<![:'"`\w])\/\/.*|\/\*[\s\S]*?\*\//g,
  lua: /--.*/g,
  yml: /(?<=^|\s)#.*/gm,
};

/** The language of a file by its comments. */
function languageOf(path: string): string | undefined {
  if (/\.(ts|js|mjs)$/.test(path)) {
    return 'ts';
  }
  if (path.endsWith('.lua')) {
    return 'lua';
  }
  return /\.(ya?ml|conf|example|service|sh)$|Dockerfile$|Makefile$/.test(path) ? 'yml' : undefined;
}

/** The prose of a file in one line: a page, or its comments. */
function proseOf(path: string): string {
  const text = readText(path);
  const pattern = COMMENTS[languageOf(path) ?? ''];
  const prose = path.endsWith('.md') ? text : (text.match(pattern ?? /$^/) ?? []).join('\n');
  return prose.replace(/\n\s*(?:\/\/|#|--|\*(?!\/))?\s*/g, ' ');
}

const sources = files.filter(
  (path) => !GENERATED.test(path) && (path.endsWith('.md') || languageOf(path) !== undefined),
);

/**
 * Whether a name is a file of the project, in full or by the end of its path; `*` stands for any characters of a name, and a
 * name that ends with `/` is a folder.
 */
function isKnown(name: string): boolean {
  const source = name
    .replace(/^(\.\.?\/)+/, '')
    .replace(/^dist\/(.*)\.js$/, '$1.ts')
    .replace(/[.+?^${}()|[\]\\@]/g, '\\$&')
    .replaceAll('*', '[^/]*');
  const pattern = new RegExp(name.endsWith('/') ? `(^|/)${source}` : `(^|/)${source}$`);
  return FOREIGN_FOLDERS.test(name) || files.some((path) => pattern.test(path));
}

const NAME = `[\\w@*][\\w@.*-]*(?:/[\\w@.*-]+)*?\\.(?:${EXTENSIONS})\\b`;
/** "Kong's a.lua, b.lua and c.lua". */
const FOREIGN = new RegExp(
  `(?:${PROJECTS.join('|')})'s (?:own )?\`?${NAME}\`?(?:(?:,| and|, and) \`?${NAME}\`?)*`,
  'g',
);
const OWN = new RegExp(`(?<![\\w@./*:$\\{}~-])(?:\\.\\.?/)*${NAME}(?![-/(]|\\.\\w)`, 'g');
const FOLDER = /(?<![\w@./*:$\\{}~<-])(?:[\w@-]+\/){2,}(?=[\s`;,.:)]|$)/g;

/** The names of files and folders in a text that the project does not have. */
function unknownNames(prose: string): string[] {
  const own = prose.replace(FOREIGN, ' ').replace(/https?:\/\/\S+/g, ' ');
  const names = [...(own.match(OWN) ?? []), ...(own.match(FOLDER) ?? [])];
  // `given.service` is a property; a unit of systemd has a dash.
  const isProperty = (name: string): boolean => name.endsWith('.service') && !name.includes('-');
  return [...new Set(names)].filter((name) => !OTHER_NAMES.has(name) && !isProperty(name) && !isKnown(name));
}

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

const headingsOf = (path: string): string[] =>
  [...readText(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);

test('every file and folder that a page or a comment names exists', () => {
  const unknown = sources.flatMap((path) => unknownNames(proseOf(path)).map((name) => `${path}: ${name}`));
  expect(unknown).toEqual([]);
});

function isDead(page: string, link: string): boolean {
  if (/^https?:/.test(link)) {
    return false;
  }
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? page : join(dirname(page), file);
  if (!existsSync(inRoot(target))) {
    return true;
  }
  return anchor !== undefined && !headingsOf(target).map(anchorOf).includes(anchor);
}

test('every link of a page leads to a page and a heading that exist', () => {
  const dead = pages.flatMap((page) =>
    [...readText(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = '']) => link)
      .filter((link) => isDead(page, link))
      .map((link) => `${page}: ${link}`),
  );
  expect(dead).toEqual([]);
});

test('every section of a page that is quoted exists', () => {
  const missing = sources.flatMap((path) =>
    [...proseOf(path).matchAll(/\b((?:docs\/)?[\w-]+\.md), ("[^"]+"(?:(?:,| and) "[^"]+")*)/g)].flatMap(
      ([, page = '', quoted = '']) => {
        const target = files.find((file) => file === page || file.endsWith(`/${page}`));
        if (target === undefined) {
          return [];
        }
        const text = readText(target);
        const titles = [...quoted.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title);
        return titles
          .filter((title) => !headingsOf(target).includes(title) && !text.includes(`**${title}`))
          .map((title) => `${path}: ${page}, "${title}"`);
      },
    ),
  );
  expect(missing).toEqual([]);
});

test('a name that the project does not have is found, unless it comes with its project', () => {
  expect(unknownNames('See store/job-writer.ts, PROTOCOL.md, `none.lua` and store/lua/.')).toEqual([
    'store/job-writer.ts',
    'PROTOCOL.md',
    'none.lua',
    'store/lua/',
  ]);
  const known =
    "Kong's runloop/handler.lua and nginx_kong.lua, kong/pdk/response.lua, jobs/lua/*.lua, jobs/lua/";
  expect(unknownNames(known)).toEqual([]);
});
