import { existsSync } from 'node:fs';
import { PLUGIN } from './kong-config';
import { inRoot, installedPaths, missingPaths, packageVersion, readText } from './files';

const dockerfile = readText('kong/Dockerfile').replace(/\\\n\s*/g, '');
const instructions = dockerfile.split('\n').filter((line) => /^[A-Z]+ /.test(line));
const ignored = readText('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** Whether the build context has a path: the last rule of .dockerignore that covers it says so. */
function isInContext(path: string): boolean {
  const covers = (rule: string): boolean => rule === '*' || path === rule || path.startsWith(`${rule}/`);
  const last = ignored.findLast((rule) => covers(rule.replace(/^!/, '')));
  return last === undefined || last.startsWith('!');
}

const copiedSources = instructions
  .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
  .flatMap((line) => line.split(/\s+/).slice(1, -1));

test.each(copiedSources)('the build finds %s in its context', (path) => {
  expect(existsSync(inRoot(path))).toBe(true);
  expect(isInContext(path)).toBe(true);
});

test.each(['.git', 'node_modules', 'dist', 'spec', 'docs', 'kong/kubernetes', 'pongo', 'docker-compose.yml'])(
  'the context leaves out %s',
  (path) => expect(isInContext(path)).toBe(false),
);

test('every path of the package is one that the build makes', () => {
  expect(missingPaths(dockerfile)).toEqual([]);
  expect(installedPaths(dockerfile).length).toBeGreaterThan(3);
});

test('Node.js comes from the image that the plugin was built in', () => {
  const bases = instructions.filter((line) => line.startsWith('FROM '));
  expect(bases).toEqual([
    'FROM node:24-bookworm-slim AS build',
    'FROM node:24-bookworm-slim AS worker',
    'FROM kong:3.9 AS kong',
  ]);
  expect(instructions).toContain('COPY --from=build /usr/local/bin/node /usr/local/bin/node');
});

test('both images run as a user without rights', () => {
  const users = instructions.filter((line) => line.startsWith('USER '));
  expect(users).toEqual(['USER node', 'USER root', 'USER kong']);
});

test('the images say the version of the package', () => {
  const labels = [...dockerfile.matchAll(/image\.version="([^"]+)"/g)].map(([, version]) => version);
  const tags = [...dockerfile.matchAll(/-t [\w-]+:(\S+)/g)].map(([, version]) => version);
  expect([...labels, ...tags]).toEqual(Array(4).fill(packageVersion));
});

test('Kong finds the plugin without more settings, and nobody starts the plugin server for it', () => {
  const env = instructions.find((line) => line.startsWith('ENV KONG_PREFIX')) ?? '';
  const value = (name: string): string => new RegExp(`KONG_${name}="?([^" ]+)`).exec(env)?.[1] ?? '';
  expect(value('PLUGINS')).toBe(`bundled,${PLUGIN}`);
  expect(value('PLUGINSERVER_NAMES')).toBe(PLUGIN);
  expect(env).not.toContain('START_CMD');
  const unmanaged = readText('kong/kong.unmanaged.conf.example');
  for (const name of ['LUA_PACKAGE_PATH', 'NGINX_HTTP_INCLUDE', 'PLUGINSERVER_ASYNC_REQUEST_REPLY_SOCKET']) {
    expect(unmanaged).toContain(`\n${name.toLowerCase()} = ${value(name)}\n`);
  }
});
