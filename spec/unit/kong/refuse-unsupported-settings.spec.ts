import { refuseUnsupportedSettings } from '../../../kong/process/refuse-unsupported-settings';
import { refuseUnsupported } from '../../../plugins/async-request-reply/access/route/refuse-unsupported';
import { resolveConfig } from '../../../schemas/resolve-config';
import { resolveSettings } from '../../../schemas/resolve-settings';

describe('a process', () => {
  test('starts with supported settings', () => {
    expect(() => refuseUnsupportedSettings(resolveSettings({ ARR_LEASE_SECONDS: '5' }, {}))).not.toThrow();
  });

  test.each([['ARR_METRICS_LISTEN', '127.0.0.1:9090', 'metrics_listen']])(
    'does not start with %s',
    (variable, value, field) => {
      expect(() => refuseUnsupportedSettings(resolveSettings({ [variable]: value }, {}))).toThrow(field);
    },
  );
});

describe('a plugin instance', () => {
  test('starts with the defaults', () => {
    expect(() => refuseUnsupported(resolveConfig({}))).not.toThrow();
  });

  test.each([
    [
      { dispatch: 'kafka', kafka: { brokers: ['k:9092'], request_topic: 'in', reply_topic: 'out' } },
      'dispatch: kafka',
    ],
  ])('does not start with %j', (config, field) => {
    expect(() => refuseUnsupported(resolveConfig(config))).toThrow(
      `${field} is not available in this release`,
    );
  });
});
