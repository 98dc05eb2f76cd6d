import { processSettingsSchema } from '../../../schemas/process-settings';
import { settingNames } from '../../../schemas/setting-names';
import { describeUnknownVariables } from '../../../schemas/unknown-variables';

const KNOWN = settingNames(processSettingsSchema).map(({ variable }) => variable);

test('says nothing of settings, and of variables that are not ours', () => {
  const env = Object.fromEntries(
    [...KNOWN, 'PATH', 'NODE_OPTIONS', 'KONG_ARR_X', 'ARROW'].map((name) => [name, 'x']),
  );
  expect(describeUnknownVariables(env)).toEqual([]);
});

test.each(KNOWN)('knows %s again with a letter left out, a letter too many, and in small letters', (name) => {
  const misspelt = [name.slice(0, -2) + name.slice(-1), `${name}S`, name.toLowerCase()];
  for (const wrong of misspelt) {
    const [sentence] = describeUnknownVariables({ [wrong]: 'x' });
    expect(sentence).toBe(
      `${wrong} is not a setting of this program and has no effect. Did you mean ${name}?`,
    );
  }
});

test.each([
  ['ARR_WORKER_THREAD', 'ARR_WORKER_THREADS'],
  ['ARR_QUEUE', 'ARR_QUEUES'],
  ['ARR_REDIS_KEY_PREFIX', 'ARR_KEY_PREFIX'],
  ['ARR_LOGLEVEL', 'ARR_LOG_LEVEL'],
])('takes %s for %s', (wrong, meant) => {
  expect(describeUnknownVariables({ [wrong]: 'x' })[0]).toContain(`Did you mean ${meant}?`);
});

test.each(['ARR_CONCURENCY', 'ARR_', 'ARR_X'])(
  'says of %s where settings are listed, and guesses nothing',
  (name) => {
    const [sentence] = describeUnknownVariables({ [name]: '3' });
    expect(sentence).toContain('docs/configuration.md');
    expect(sentence).not.toContain('Did you mean');
  },
);

test('tells each of several, no value, and not more than the beginning of a long name', () => {
  const sentences = describeUnknownVariables({
    ARR_B: 'geheim',
    ARR_A: 'geheim',
    [`ARR_${'X'.repeat(500)}`]: 'geheim',
  });
  expect(sentences.map((sentence) => sentence.split(' ')[0])).toEqual([
    'ARR_A',
    'ARR_B',
    `ARR_${'X'.repeat(60)}`,
  ]);
  expect(sentences.join()).not.toContain('geheim');
});
