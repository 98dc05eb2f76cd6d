import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { REPOSITORY } from './gateway-setup';

const SOURCE = path.join(REPOSITORY, 'spec/gateway');
const CACHE = path.join(REPOSITORY, 'node_modules/.cache/kong-emulator');

/**
 * Turns the emulator into JavaScript once for each state of its sources: many specs start it, and compiling anew each
 * time would take longer than all else.
 * @returns the program's file
 */
export function compileKongEmulator(): string {
  const sources = fs
    .readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => ({ name, text: fs.readFileSync(path.join(SOURCE, name), 'utf8') }));
  const hash = createHash('sha256').update(JSON.stringify(sources)).digest('hex').slice(0, 16);
  const folder = path.join(CACHE, hash);
  if (!fs.existsSync(folder)) compile(sources, folder);
  return path.join(folder, 'kong-emulator.js');
}

function compile(sources: { name: string; text: string }[], folder: string): void {
  // Loaded only when there is something to compile; jest has no import().
  const typescript = createRequire(__filename)('typescript') as typeof import('typescript');
  const { ModuleKind, ScriptTarget } = typescript;
  const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true };
  fs.mkdirSync(CACHE, { recursive: true });
  const draft = fs.mkdtempSync(path.join(CACHE, 'draft-'));
  for (const { name, text } of sources) {
    const file = path.join(draft, name.replace(/\.ts$/, '.js'));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, typescript.transpileModule(text, { compilerOptions, fileName: name }).outputText);
  }
  try {
    fs.renameSync(draft, folder);
  } catch (error) {
    // Another worker was faster.
    fs.rmSync(draft, { recursive: true });
    if (!fs.existsSync(folder)) throw error;
  }
}
