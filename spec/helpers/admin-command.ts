// The administrator's command as a process.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

const ADMIN = resolve(__dirname, '../../dist/kong/admin.js');

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it and resolves when it has ended, however. */
export function runAdmin(args: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandResult> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      [ADMIN, ...args],
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        done({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}
