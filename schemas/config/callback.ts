/** Which hosts the plugin may call when a job settles. */
import { field } from '../field';
import { values } from '../values';

const HOST_PATTERN = '^(\\*\\.)?[A-Za-z0-9._-]+$';

const targetSchema = field.optionalRecord('CallbackTarget', 'A receiver of callbacks.', ['host', 'secrets'], {
  host: field.string('Host of the receiver: an exact name, or *.suffix for every name below the suffix.', {
    pattern: HOST_PATTERN,
    maxLength: 255,
    'x-says': 'a host name, or "*." and a suffix',
    'x-kong': {
      match_any: ['^[%w._-]+$', '^%*%.[%w._-]+$'],
    },
  }),
  ports: field.set('Ports to which callbacks may be sent.', field.integer('A TCP port.', 1, 65535), {
    minItems: 1,
    default: [443],
  }),
  secrets: field.list(
    'Secrets of this receiver. The first one signs callbacks; the others remain available while the receiver changes its secret.',
    field.string('A Standard Webhooks secret: whsec_ followed by base64.', values.webhookSecret),
    { minItems: 1, maxItems: 16 },
  ),
  allow_private: field.flag('Whether the host may resolve to a loopback, link-local or private address.', {
    default: false,
  }),
});

export const callbackSchema = field.record(
  'CallbackConfig',
  'Callbacks (webhooks) that the plugin sends when a job settles.',
  {
    header: field.string('Request header in which the client gives the callback URL.', {
      ...values.headerName,
      default: 'X-Async-Callback-Url',
    }),
    base_url: field.string(
      'Base URL of the links in a callback: the URL at which clients reach this gateway.',
      values.baseUrl,
    ),
    targets: field.list(
      'Receivers to which callbacks may be sent, over https only. Without receivers there are no callbacks.',
      targetSchema,
      {
        default: [],
      },
    ),
  },
);
