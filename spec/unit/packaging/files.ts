// The files that are installed, as the specs beside this read them.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

const ROOT = resolve(__dirname, '../../..');

/** Where every file of ours expects the package. */
export const INSTALLED = '/opt/async-request-reply';

export const inRoot = (path: string): string => join(ROOT, path);

export const readText = (path: string): string => readFileSync(inRoot(path), 'utf8');

export const readYaml = <T>(path: string): T => parse(readText(path), { merge: true }) as T;

/** Every document of a file. @throws on a YAML error in any */
export function readDocuments<T>(path: string): T[] {
  return parseAllDocuments(readText(path), { merge: true }).map((document) => {
    const [error] = document.errors;
    if (error instanceof Error) throw error;
    return document.toJS() as T;
  });
}

export const packageVersion = (JSON.parse(readText('package.json')) as { version: string }).version;

/** What a path of the installed package is made from: compiled files from their sources. */
function sourceOf(installedPath: string): string {
  const path = installedPath.slice(INSTALLED.length + 1);
  return path.startsWith('dist/') ? path.slice('dist/'.length).replace(/\.js$/, '.ts') : path;
}

/** Every path of the package that a text names. */
export function installedPaths(text: string): string[] {
  const paths = text.match(new RegExp(`${INSTALLED}/[\\w./?-]*\\w`, 'g')) ?? [];
  return [...new Set(paths)].filter((path) => !path.includes('?'));
}

/** Those of them that nothing in this repository makes. */
export function missingPaths(text: string): string[] {
  // The Dockerfile writes this one.
  const made = `${INSTALLED}/plugin.json`;
  return installedPaths(text).filter((path) => path !== made && !existsSync(inRoot(sourceOf(path))));
}
