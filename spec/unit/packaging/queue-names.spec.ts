// Every example names its queue: one without a name is named by an ID of Kong's, and a name that is given later leaves jobs behind.
import { readdirSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { inRoot, readText } from './files';
import { PLUGIN } from './kong-config';

type Entity = Readonly<Record<string, unknown>>;

const markdown = ['README.md', ...readdirSync(inRoot('docs')).flatMap(markdownAt)];

function markdownAt(name: string): string[] {
  return name.endsWith('.md') ? [`docs/${name}`] : [];
}

/** The blocks of YAML in a text. */
const blocksOf = (text: string): string[] =>
  [...text.matchAll(/```yaml\n([^`]*)```/g)].map(([, block = '']) => block);

/** YAML in Lua's long brackets. */
const longStringsOf = (text: string): string[] =>
  [...text.matchAll(/\[\[\n([\s\S]*?)\]\]/g)].map(([, block = '']) => block.replaceAll('%s', PLUGIN));

/** What every plugin of ours is told in a text of YAML, as Kong or the ingress controller has it. */
function configsIn(text: string): Entity[] {
  const found: Entity[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const entity = value as Entity;
    if (entity['plugin'] === PLUGIN || (entity['name'] === PLUGIN && 'config' in entity)) {
      found.push(entity['config'] as Entity);
    }
    Object.values(entity).forEach(visit);
  };
  // What decK puts in, in front of it, is no YAML.
  const plain = text.replace(/\$\{\{.*?\}\}/g, 'x');
  parseAllDocuments(plain, { merge: true }).forEach((document) => visit(document.toJS()));
  return found;
}

/** Polls have no queue of their own. */
const isNamed = ({ intercept, queue }: Entity): boolean =>
  intercept === 'never' || typeof (queue as Entity | undefined)?.['name'] === 'string';

test.each([
  ...markdown.map((path): [string, string[]] => [path, blocksOf(readText(path))]),
  ...['kong/kong.yml', 'kong/deck.yaml', 'kong/kubernetes/reports.yaml', 'kong/kubernetes/jobs.yaml'].map(
    (path): [string, string[]] => [path, [readText(path)]],
  ),
  ['pongo', longStringsOf(readText('pongo/async-request-reply/01-integration_spec.lua'))],
])('%s names the queue of every plugin', (path, texts) => {
  const configs = texts.flatMap((text) => configsIn(text));
  if (!path.startsWith('docs/')) expect(configs).not.toEqual([]);
  expect(configs.filter((config) => !isNamed(config))).toEqual([]);
});

test('admin-api.sh names the queue', () => {
  expect(readText('kong/admin-api.sh')).toMatch(/"queue": \{ "name": "\w+"/);
});
