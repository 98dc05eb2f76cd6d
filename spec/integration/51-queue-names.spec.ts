// The key of a queue without a name of its own is an ID of Kong: the admin command shows the name of the service or route.
import { runAdmin, type CommandResult } from '../helpers/admin-command';
import { reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const stack = useStack({
  routes: [
    { name: 'billing' },
    // Kong takes names in any script.
    { name: 'bureau', service: { name: 'büro' } },
    { name: 'lone', service: false },
    { name: 'named', config: { queue: { name: 'own' } } },
    { name: 'failing', config: { retry: { attempts: 1 } } },
  ],
});

const UUID = '[0-9a-f]{8}-[0-9a-f-]{27}';

const admin = (...args: string[]): Promise<CommandResult> =>
  runAdmin(args, { ARR_REDIS_PORT: String(stack().redis.port), ARR_KEY_PREFIX: stack().keyPrefix });

test('queues are listed with the name of the service, or of the route if there is no service', async () => {
  for (const route of ['billing', 'bureau', 'lone', 'named']) await stack().roundTrip(`/${route}`);

  const { stdout } = await admin('queues');
  for (const name of ['billing', 'büro', 'lone']) {
    expect(stdout).toMatch(new RegExp(`^${UUID} \\(${name}\\)  `, 'm'));
  }
  expect(stdout).toMatch(/^own {2}/m);
  const { queues } = JSON.parse((await admin('queues', '--json')).stdout) as {
    queues: { queue: string; service?: string }[];
  };
  expect(queues.map(({ service }) => service).sort()).toEqual(['billing', 'büro', 'lone', undefined]);
  expect(queues.find(({ service }) => service === 'billing')?.queue).toMatch(new RegExp(`^${UUID}$`));
});

test('a dead letter shows the name of its queue in every command', async () => {
  const { upstream } = stack();
  upstream.script('/failing', reply({ status: 503 }));
  const { id } = await stack().submit('/failing');
  await stack().settled('/failing', id);
  const named = new RegExp(`${UUID} \\(failing\\)  `);

  expect((await admin('jobs', '--state', 'dead')).stdout).toMatch(named);
  expect((await admin('purge', '--state', 'dead', '--dry-run')).stdout).toMatch(named);
  expect((await admin('show', id)).stdout).toMatch(/^service +failing$/m);
});
