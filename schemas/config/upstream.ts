/** Where a job's request goes, and how the connection is made. */
import { field } from '../field';
import { values } from '../values';

export const upstreamSchema = field.record('UpstreamConfig', 'Where the work is done and how it is called.', {
  mode: field.choice(
    "service calls the host of the Kong service directly; url calls upstream.url; loopback goes through Kong's proxy again.",
    ['service', 'url', 'loopback'],
    { default: 'service' },
  ),
  url: field.string(
    "Base URL in place of the service's scheme, host and port (mode url), or the URL of Kong's proxy (mode loopback).",
    values.baseUrl,
  ),
  connect_timeout: field.timeout(
    'How long connecting to the upstream may take, in milliseconds, TLS included. Of several addresses each has half of it.',
    10000,
  ),
  attempt_timeout: field.timeout(
    'How long one attempt may take in milliseconds, from its start to the last byte of the response.',
    300000,
  ),
  tls_verify: field.flag('Whether the certificate of an https upstream is verified.', {
    'x-default': 'from the service',
  }),
  ca_certificates: field.list(
    "Certificates of the authorities that are trusted for the upstream, in place of the system's.",
    field.string('One or more certificates in PEM.', values.pem),
    { minItems: 1, 'x-default': 'from the service' },
  ),
  client_cert: field.string(
    'Certificate chain in PEM that is shown to the upstream; needs client_key.',
    values.pem,
  ),
  client_key: field.string('Private key in PEM that belongs to client_cert.', values.privateKey),
  send_id: field.flag('Whether the upstream is told the job ID, in the header named by id_header.', {
    default: true,
  }),
  loopback_secret: field.string(
    'Signs requests that go through Kong again, so that only ours pass the plugin. Needed in mode loopback, and on the route that such requests come to.',
    { ...values.secret, minLength: 16, 'x-says': 'a string of 16 to 1024 characters' },
  ),
});
