import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { resolveConfig } from '../../../schemas/resolve-config';
import { inRoot, missingPaths, readText } from './files';
import { COMPANION, FAIL_CLOSED, PLUGIN, pluginOf, type KongPlugin, type KongRoute } from './kong-config';
import { settingsFrom } from './process-settings';

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

const anchorsOf = (path: string): string[] =>
  [...readText(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));

/** The plugins of a list of them, a route, a service or a whole configuration. */
function pluginsIn(block: unknown): KongPlugin[] {
  if (Array.isArray(block)) return block as KongPlugin[];
  const { plugins = [], routes = [], services = [] } = block as Record<string, unknown[] | undefined>;
  return [...(plugins as KongPlugin[]), ...[...routes, ...services].flatMap(pluginsIn)];
}

describe.each(['docs/installation.md', 'docs/kong.md', 'docs/browsers.md'])('%s', (path) => {
  const text = readText(path);

  test('links to existing targets', () => {
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
    const dead = links.filter((link) => {
      if (link.startsWith('https://')) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      if (!existsSync(inRoot(target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });
    expect(links.length).toBeGreaterThan(0);
    expect(dead).toEqual([]);
  });

  test('names files and settings that exist', () => {
    expect(missingPaths(text)).toEqual([]);
    const files = [...text.matchAll(/(?<![\w/])(?:kong|pongo|spec)\/[\w./@-]*\.\w+/g)].map(([file]) => file);
    expect(files.filter((file) => !existsSync(inRoot(file)))).toEqual([]);
    const variables = [...text.matchAll(/\bARR_[A-Z_]*[A-Z]\b/g)].map(([name]) => [name, ''] as const);
    expect(() => settingsFrom(Object.fromEntries(variables))).not.toThrow();
  });

  test('shows plugins that the schema accepts', () => {
    const blocks = [...text.matchAll(/```yaml\n([^`]*)```/g)].map(
      ([, block = '']) => parse(block) as unknown,
    );
    for (const { config } of blocks.flatMap(pluginsIn).filter(({ name }) => name === PLUGIN)) {
      expect(() => resolveConfig(config ?? {})).not.toThrow();
    }
  });
});

test('the first route of the README has the fail-closed guard', () => {
  const [, block = ''] = /```yaml\n(routes:[^`]*)```/.exec(readText('README.md')) ?? [];
  const [route] = (parse(block) as { routes: KongRoute[] }).routes;
  expect(route && pluginOf(route, COMPANION)?.config).toEqual(FAIL_CLOSED);
});

test('docs/kong.md shows the fail-closed guard as it is', () => {
  const [, lua] = /```lua\n([^`]*)```/.exec(readText('docs/kong.md')) ?? [];
  expect(lua).toBe(FAIL_CLOSED.access[0]);
});
