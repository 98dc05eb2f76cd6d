/**
 * The Kong emulator as a program: `node -r ts-node/register/transpile-only kong-emulator.ts --config FILE.json`. It is
 * for specs and for trying the plugin out where there is no Kong; see docs/testing.md, "The gateway".
 * Prints one line of JSON with its ports when it is ready; SIGTERM or SIGINT ends it, and with `--with-parent` the end
 * of its standard input, which is that of the process that started it.
 */
import { writeFileSync } from 'node:fs';
import { Admin } from './admin';
import { Gateway } from './gateway';
import { readSettings } from './settings';

async function main(): Promise<void> {
  const settings = readSettings(process.argv);
  // By this name a plugin server knows who started it.
  writeFileSync('/proc/self/comm', 'nginx');
  const gateway = await Gateway.start(settings);
  const admin = new Admin(gateway);
  await admin.listen(settings.adminPort);
  let closing: Promise<void> | null = null;
  const close = (): void => {
    // The plugin server may still drain, with its output open here: the process does not stay for that.
    closing ??= admin
      .close()
      .then(() => gateway.close())
      .then(() => process.exit(0));
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
  if (process.argv.includes('--with-parent')) process.stdin.on('close', close).resume();
  process.stdout.write(`${JSON.stringify({ proxyPort: gateway.proxyPort, adminPort: admin.port })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
