// The fields that every answer of ours carries, and the ID under a name of the route's choice.
import { until } from '../helpers/until';
import { reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const stack = useStack({
  routes: [{ name: 'plain' }, { name: 'underscored', config: { id_header: 'X_Job' } }],
});

test('answers of ours are not stored and not sniffed; a replay has neither from us', async () => {
  const { id, response } = await stack().submit('/plain/x');
  const problem = await stack().poll('/plain/x', 'no-id');
  const replay = await stack().settled('/plain/x', id);
  const fields = [response, problem, replay].map((answer) => [
    answer.status,
    answer.header('Cache-Control'),
    answer.header('X-Content-Type-Options'),
  ]);

  expect(fields).toEqual([
    [202, 'no-store', 'nosniff'],
    [404, 'no-store', 'nosniff'],
    [200, 'private', undefined],
  ]);
});

test("an id_header with an underscore is sent, and is never the upstream's", async () => {
  stack().upstream.script('/underscored/x', reply({ headers: { X_Job: 'claimed' } }));
  const response = await stack().request('/underscored/x');

  expect(response.status).toBe(202);
  const [id, ...others] = [...response.headers('X-Job'), ...response.headers('X_Job')];
  expect([id, others]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), []]);
  const target = `/underscored/x?async-id=${id}`;
  await until('the job to settle', async () => (await stack().request(target)).status === 303);
  const replay = await stack().request(`${target}&async-view=result`);
  expect([...replay.headers('X-Job'), ...replay.headers('X_Job')]).toEqual([id]);
});
