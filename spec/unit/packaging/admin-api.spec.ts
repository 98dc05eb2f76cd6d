import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { resolveConfig } from '../../../schemas/resolve-config';
import { useResources } from '../../helpers/use-resources';
import { inRoot, readText } from './files';
import { COMPANION, FAIL_CLOSED, PLUGIN, type KongConfig, type KongPlugin } from './kong-config';

interface Call {
  line: string;
  body: KongPlugin & { enabled?: boolean; url?: string };
}

const run = promisify(execFile);
const env = { PATH: process.env['PATH'], UPSTREAM_URL: 'http://10.0.0.8:9000', REDIS_HOST: '10.0.0.9' };

describe('admin-api.sh', () => {
  let server: Server;
  let calls: Call[] = [];
  let statusOf: (line: string) => number = () => 200;

  useResources(async (resources) => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const line = `${request.method} ${request.url}`;
        const text = Buffer.concat(chunks).toString();
        if (request.method !== 'GET') calls.push({ line, body: JSON.parse(text) as Call['body'] });
        response.writeHead(statusOf(line)).end('{"message":"what Kong says"}');
      });
    });
    resources.add(() => new Promise((resolve) => server.close(resolve)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  const runScript = (script = inRoot('kong/admin-api.sh')): Promise<{ stdout: string }> =>
    run(script, [`http://127.0.0.1:${(server.address() as AddressInfo).port}`], { env });

  beforeEach(() => {
    calls = [];
    statusOf = (line) => (line === 'GET /services/reports' ? 404 : 200);
  });

  test('creates a disabled service, then the fail-closed guard, then the plugin, and enables the service last', async () => {
    await runScript();
    expect(calls.map(({ line, body }) => [line, body.name ?? body.enabled])).toEqual([
      ['PUT /services/reports', false],
      ['PUT /services/reports/routes/reports', undefined],
      ['PUT /routes/reports/plugins/reports-fail-closed', COMPANION],
      ['PUT /routes/reports/plugins/reports-async', PLUGIN],
      ['PATCH /services/reports', true],
    ]);
  });

  test('does not disable an existing service', async () => {
    statusOf = () => 200;
    await runScript();
    expect(calls[0]?.line).toBe('PUT /services/reports/routes/reports');
  });

  test('sends the fail-closed guard of kong.yml, and a plugin with the given Redis', async () => {
    await runScript();
    const sent = (name: string): Record<string, unknown> =>
      calls.find(({ body }) => body.name === name)?.body.config ?? {};
    expect(sent(COMPANION)).toEqual(FAIL_CLOSED);
    const settings = resolveConfig(sent(PLUGIN));
    expect(settings.redis).toMatchObject({ host: '10.0.0.9', port: 6379 });
    expect(settings.queue).toMatchObject({ name: 'reports', concurrency: 20 });
  });

  test('uses the tags and names of decK, so that each can take over from the other', async () => {
    await runScript();
    const deck = parse(readText('kong/deck.yaml').replace(/\$\{\{.*?\}\}/g, 'x')) as KongConfig;
    expect(calls.map(({ body }) => body.tags)).toEqual(calls.map(() => deck._info?.select_tags));
    const plugins = deck.services[0]?.routes.find(({ name }) => name === 'reports')?.plugins ?? [];
    const named = plugins.map(
      (plugin) => `PUT /routes/reports/plugins/${plugin.instance_name ?? ''} ${plugin.name}`,
    );
    const sent = calls.filter(({ line }) => line.includes('/plugins/'));
    expect(sent.map(({ line, body }) => `${line} ${body.name}`).sort()).toEqual(named.sort());
  });

  test('does nothing if the Lua of the fail-closed guard is missing', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'arr-admin-api-'));
    const copy = join(directory, 'admin-api.sh');
    copyFileSync(inRoot('kong/admin-api.sh'), copy);
    await expect(runScript(copy)).rejects.toMatchObject({ code: 1 });
    rmSync(directory, { recursive: true });
    expect(calls).toEqual([]);
  });

  test("stops at the first error, and prints Kong's message", async () => {
    statusOf = (line) => (line.startsWith('PUT /routes') || line.startsWith('GET') ? 400 : 200);
    await expect(runScript()).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('what Kong says') as string,
    });
    expect(calls.at(-1)?.line).toBe('PUT /routes/reports/plugins/reports-fail-closed');
  });
});
