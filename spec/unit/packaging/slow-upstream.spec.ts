import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { useResources } from '../../helpers/use-resources';
import { exitCodeOf } from './health-check';
import { inRoot, readYaml } from './files';

interface Compose {
  services: Record<string, { healthcheck: { test: string[] } }>;
}

describe('slow-upstream.js', () => {
  let url = '';

  useResources(async (resources) => {
    const env = { PATH: process.env['PATH'], PORT: '0', DELAY_SECONDS: '0' };
    const child = spawn(process.execPath, [inRoot('kong/upstream/slow-upstream.js')], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    resources.add(async () => {
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    });
    const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [unknown];
    url = /http:\S+/.exec(String(line))?.[0] ?? '';
  });

  test('says what it was asked, with the status that the query names', async () => {
    const response = await fetch(`${url}/reports?status=201&seconds=0.01`, {
      method: 'POST',
      body: 'hello',
      headers: { 'X-Async-Kong-Id': 'an-id' },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe('/reports/1');
    expect(await response.json()).toEqual({
      method: 'POST',
      path: '/reports?status=201&seconds=0.01',
      body_bytes: 5,
      job_id: 'an-id',
      consumer: null,
    });
  });

  test.each(['status=999', 'status=abc', 'seconds=-1', 'seconds='])('ignores %s', async (query) => {
    expect((await fetch(`${url}/x?${query}`)).status).toBe(200);
  });

  test('passes its health check', async () => {
    const { test: check } = readYaml<Compose>('docker-compose.yml').services['demo-upstream']
      ?.healthcheck ?? {
      test: [],
    };
    const here = (base: string): string[] =>
      check.slice(1).map((word) => word.replace('http://127.0.0.1:8080', base));
    expect(await exitCodeOf(here(url))).toBe(0);
    expect(await exitCodeOf(here('http://127.0.0.1:1'))).toBe(1);
  });
});
