import { readText } from './files';

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Record<string, string>;
}

const packages = Object.entries(
  (JSON.parse(readText('package-lock.json')) as { packages: Record<string, LockedPackage> }).packages,
);

test('the lock file holds the binaries of every system, so that npm ci takes it on each', () => {
  const locked = new Set(packages.map(([path]) => path.replace(/^.*node_modules\//, '')));
  const optional = packages.flatMap(([, { optionalDependencies = {} }]) => Object.keys(optionalDependencies));

  expect(optional).not.toEqual([]);
  expect(optional.filter((name) => !locked.has(name))).toEqual([]);
});

test('the lock file names no registry', () => {
  expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  expect(readText('package-lock.json')).not.toMatch(/https?:\/\/[^"\s]*\.tgz/);
});

test.each(['scripts/setup.sh', 'kong/Dockerfile', 'pongo/pongo-setup.sh', 'docs/installation.md'])(
  '%s installs what the lock file says',
  (path) => {
    expect(readText(path)).toMatch(/\bnpm ci\b/);
    expect(readText(path)).not.toMatch(/\bnpm (i|install)\b/);
  },
);
