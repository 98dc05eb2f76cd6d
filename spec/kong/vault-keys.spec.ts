// Encryption keys as references to Kong's vault: Kong resolves each before the instance starts. Only a real Kong has vaults.
import { fingerprint } from '../../plugins/async-request-reply/secrets/fingerprint';
import { newEncryptionKey, routeWithKeys } from '../helpers/encryption';
import { problemOf } from '../helpers/problem';
import { redisContents } from '../helpers/redis-contents';
import { reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const [FIRST, SECOND] = [newEncryptionKey(), newEncryptionKey()];
// Kong inherits them.
process.env['SPEC_FIRST_KEY'] = FIRST;
process.env['SPEC_SECOND_KEY'] = SECOND;

const references = (...names: string[]): string[] => names.map((name) => `{vault://env/spec-${name}-key}`);

const stack = useStack({ routes: [routeWithKeys('sealed', references('first'))] });

test('keys are taken out of the vault, and can be changed there', async () => {
  stack().upstream.script('/sealed/a', reply({ body: 'a response under the first key' }));
  const { id } = await stack().submit('/sealed/a', { method: 'POST', body: 'a' });
  expect((await stack().settled('/sealed/a', id)).text).toBe('a response under the first key');
  const contents = await redisContents(stack().redis);
  expect(contents).toContain(fingerprint(FIRST));
  expect(contents).not.toContain('a response under');

  await stack().applyRoutes([routeWithKeys('sealed', references('second'))]);
  expect(problemOf(await stack().poll('/sealed/a', id))).toEqual([503, 'key-missing']);
  await stack().applyRoutes([routeWithKeys('sealed', references('second', 'first'))]);
  expect((await stack().poll('/sealed/a', id)).text).toBe('a response under the first key');
});

test('a reference that leads nowhere keeps the instance from starting', async () => {
  await stack().applyRoutes([routeWithKeys('nowhere', references('third'))]);

  expect((await stack().request('/nowhere')).status).toBe(500);
  expect(await stack().gateway.log()).toContain(
    'encryption.keys[0] is empty because Kong could not resolve its vault reference',
  );
});
