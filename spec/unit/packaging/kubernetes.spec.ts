import { resolveConfig } from '../../../schemas/resolve-config';
import { parseArguments } from '../../../kong/plugin-server/parse-arguments';
import { CONTAINER_SOCKET } from './health-check';
import { missingPaths, packageVersion, readDocuments, readText, readYaml } from './files';
import { COMPANION, FAIL_CLOSED, PLUGIN } from './kong-config';
import { settingsFrom } from './process-settings';

interface Container {
  name: string;
  image: string;
  command?: string[];
  restartPolicy?: string;
  env: { name: string; value?: string }[];
  startupProbe: { exec: { command: string[] } };
  securityContext: Record<string, unknown>;
}

interface Manifest {
  kind: string;
  metadata: { name: string; namespace: string; annotations?: Record<string, string> };
  plugin?: string;
  config?: Record<string, unknown>;
  spec?: {
    replicas: number;
    template: { spec: { terminationGracePeriodSeconds: number; containers: Container[] } };
  };
}

interface Values {
  image: { repository: string; tag: string; effectiveSemver: string };
  env: Record<string, string>;
  deployment: { initContainers: Container[] };
  containerSecurityContext: Record<string, unknown>;
}

const environmentOf = ({ env }: Container): Record<string, string> =>
  Object.fromEntries(env.map(({ name, value = '' }) => [name, value]));

const values = readYaml<Values>('kong/kubernetes/values.yaml');
const [sidecar] = values.deployment.initContainers;
const manifests = readDocuments<Manifest>('kong/kubernetes/reports.yaml');
const pollManifests = readDocuments<Manifest>('kong/kubernetes/jobs.yaml');
const [workers] = readDocuments<Manifest>('kong/kubernetes/worker.yaml');

test.each(['values.yaml', 'worker.yaml', 'reports.yaml', 'jobs.yaml'])(
  '%s names only what the images have',
  (file) => {
    const text = readText(`kong/kubernetes/${file}`);
    expect(missingPaths(text)).toEqual([]);
    const tags = [...text.matchAll(/async-request-reply-(?:worker|kong):(\S+)/g)].map(([, tag]) => tag);
    expect(tags.filter((tag) => tag !== packageVersion)).toEqual([]);
  },
);

const pluginsIn = (documents: readonly Manifest[]): Manifest[] =>
  documents.filter(({ kind }) => kind === 'KongPlugin');

describe.each([
  ['reports.yaml', manifests],
  ['jobs.yaml', pollManifests],
])('%s', (_file, documents) => {
  test('puts the plugin and its fail-closed guard on the Ingress', () => {
    const ingress = documents.find(({ kind }) => kind === 'Ingress');
    const names = ingress?.metadata.annotations?.['konghq.com/plugins']?.split(',');
    const plugins = pluginsIn(documents);
    expect(plugins.map(({ metadata }) => metadata.name)).toEqual(names);
    expect(plugins.map(({ plugin }) => plugin)).toEqual([PLUGIN, COMPANION]);
    expect(plugins[1]?.config).toEqual(FAIL_CLOSED);
    expect(new Set(documents.map(({ metadata }) => metadata.namespace)).size).toBe(1);
  });
});

describe('jobs.yaml', () => {
  test('polls the jobs of reports.yaml, where their 202 says', () => {
    const [submits, polls] = [manifests, pollManifests].map((all) =>
      resolveConfig(pluginsIn(all)[0]?.config),
    );
    expect(polls).toMatchObject({ intercept: 'never', status_url: submits?.status_url });
    expect(polls?.poll_queues).toContain(submits?.queue.name);
    expect(polls?.redis).toEqual(submits?.redis);
  });
});

describe('reports.yaml', () => {
  const plugins = pluginsIn(manifests);

  test('tells workers the address of the Service, which is a Kong Upstream to Kong', () => {
    const { upstream } = resolveConfig(plugins[0]?.config);
    expect(upstream).toMatchObject({ mode: 'url', url: 'http://reports.default.svc.cluster.local:80' });
  });
});

describe('worker.yaml', () => {
  test('has workers at the Redis of the plugin', () => {
    const pod = workers?.spec?.template.spec;
    const [worker] = pod?.containers ?? [];
    const settings = settingsFrom(worker === undefined ? {} : environmentOf(worker));
    const { redis } = resolveConfig(manifests[0]?.config);
    expect([settings.redis.host, settings.redis.port]).toEqual([redis.host, redis.port]);
    expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(settings.drain_timeout_seconds);
  });
});

describe('values.yaml', () => {
  test('uses the image at the version of the package, and says which Kong is in it', () => {
    expect(values.image.tag).toBe(packageVersion);
    expect(values.image.effectiveSemver).toMatch(/^3\.9\./);
  });

  test('runs the plugin server as a native sidecar on the socket that the image of Kong looks for', () => {
    expect(sidecar).toMatchObject({ name: 'plugin-server', restartPolicy: 'Always' });
    const { kongPrefix, sockName } = parseArguments(sidecar?.command?.slice(3) ?? []);
    expect(`${kongPrefix}/${sockName}`).toBe(CONTAINER_SOCKET);
    expect(sidecar?.startupProbe.exec.command.join(' ')).toContain(CONTAINER_SOCKET);
    expect(settingsFrom(sidecar === undefined ? {} : environmentOf(sidecar)).worker_threads).toBe(0);
  });

  test('runs it as the user that Kong runs as', () => {
    expect(sidecar?.securityContext['runAsUser']).toBe(values.containerSecurityContext['runAsUser']);
  });

  test("keeps the schema before what the chart puts on Kong's path", () => {
    expect(values.env['lua_package_path']?.split(';')[0]).toBe('/opt/async-request-reply/?.lua');
    expect(values.env['plugins']).toBe(`bundled,${PLUGIN}`);
  });
});
