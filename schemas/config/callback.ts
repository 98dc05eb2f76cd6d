/** Whom the plugin may call when a job settles. */
import { field } from '../field';
import { values } from '../values';

const HOST_PATTERN = '^(\\*\\.)?[A-Za-z0-9._-]+$';

const targetSchema = field.optionalRecord(
  'CallbackTarget',
  'One receiver of callbacks.',
  ['host', 'secrets'],
  {
    host: field.string('Host that callbacks may go to: exact, or *.suffix for every name below the suffix.', {
      pattern: HOST_PATTERN,
      maxLength: 255,
      'x-says': 'a host name, or "*." and a suffix',
      'x-kong': {
        match_any: ['^[%w._-]+$', '^%*%.[%w._-]+$'],
      },
    }),
    ports: field.set('Ports that callbacks may go to.', field.integer('A TCP port.', 1, 65535), {
      minItems: 1,
      default: [443],
    }),
    secrets: field.list(
      'Secrets of this receiver; the first signs, the others are there for its change of secrets.',
      field.string('A Standard Webhooks secret, whsec_ and base64.', values.webhookSecret),
      { minItems: 1, maxItems: 16 },
    ),
    allow_private: field.flag('Whether the host may resolve to a loopback, link-local or private address.', {
      default: false,
    }),
  },
);

export const callbackSchema = field.record(
  'CallbackConfig',
  'Whom the plugin tells that a job has settled.',
  {
    header: field.string('Request header in which the caller names the URL to call back.', {
      ...values.headerName,
      default: 'X-Async-Callback-Url',
    }),
    base_url: field.string(
      'Base of the links in a callback: the URL under which clients reach this gateway.',
      values.baseUrl,
    ),
    targets: field.list(
      'Receivers that may be called, over https only. None means no callbacks.',
      targetSchema,
      {
        default: [],
      },
    ),
  },
);
