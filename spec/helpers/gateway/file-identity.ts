import fs from 'node:fs';

/** Tells a file from the one that stood at its path before; an inode's number alone may be given out again. */
export function fileIdentity(path: string): string | null {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.ctimeMs}` : null;
}
