import { refuseUnsupportedSettings } from '../../../kong/process/refuse-unsupported-settings';
import { resolveSettings } from '../../../schemas/resolve-settings';

describe('a process', () => {
  it('starts with the settings that it can do', () => {
    expect(() => refuseUnsupportedSettings(resolveSettings({ ARR_LEASE_SECONDS: '5' }, {}))).not.toThrow();
  });

  it.each([['ARR_METRICS_LISTEN', '127.0.0.1:9090', 'metrics_listen']])(
    'does not start with %s',
    (variable, value, field) => {
      expect(() => refuseUnsupportedSettings(resolveSettings({ [variable]: value }, {}))).toThrow(field);
    },
  );
});
