import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** Opens a file and deletes its name at once, as nginx does with temporary files: it exists until it is closed. */
export async function openNameless(): Promise<fs.FileHandle> {
  const name = path.join(os.tmpdir(), `kong-emulator-${randomUUID()}`);
  const file = await fs.open(name, 'wx+', 0o600);
  await fs.unlink(name);
  return file;
}
