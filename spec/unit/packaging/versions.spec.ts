import { Name, Version } from '../../../plugins/async-request-reply';
import { packageVersion } from './files';
import { PLUGIN } from './kong-config';

test('the plugin has the version of the package', () => {
  expect(Version).toBe(packageVersion);
});

test('the plugin has the name that every configuration gives it', () => {
  expect(Name).toBe(PLUGIN);
});
