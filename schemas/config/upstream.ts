/** Where a job's request goes, and how the connection is made. */
import { field } from '../field';
import { values } from '../values';

export const upstreamSchema = field.record(
  'UpstreamConfig',
  'The upstream that jobs are sent to, and how it is called.',
  {
    mode: field.choice(
      "Where jobs are sent: service is the host of the Kong service; url is upstream.url; loopback sends the request through Kong's proxy again.",
      ['service', 'url', 'loopback'],
      { default: 'service' },
    ),
    url: field.string(
      "Base URL that replaces the service's scheme, host and port (mode url), or the URL of Kong's proxy (mode loopback).",
      values.baseUrl,
    ),
    connect_timeout: field.timeout(
      'Time limit for a connection to the upstream including TLS, in milliseconds. If the host has several addresses, each gets half of it.',
      10000,
    ),
    attempt_timeout: field.timeout(
      'Time limit for one attempt, from its start to the last byte of the response, in milliseconds.',
      300000,
    ),
    tls_verify: field.flag('Whether the certificate of an https upstream is verified.', {
      'x-default': 'from the service',
    }),
    ca_certificates: field.list(
      "Certificates of the authorities that are trusted for the upstream. They replace the system's.",
      field.string('One or more certificates in PEM format.', values.pem),
      { minItems: 1, 'x-default': 'from the service' },
    ),
    client_cert: field.string(
      'Client certificate chain for the upstream in PEM format; requires client_key.',
      values.pem,
    ),
    client_key: field.string('Private key of client_cert in PEM format.', values.privateKey),
    send_id: field.flag(
      'Whether requests to the upstream carry the job ID, in the header that id_header names.',
      {
        default: true,
      },
    ),
    loopback_secret: field.string(
      'Secret that signs the loopback tokens, with which requests of the workers pass the plugin when they go through Kong again. Required in mode loopback, and on the route that receives such requests.',
      { ...values.secret, minLength: 16, 'x-says': 'a string of 16 to 1024 characters' },
    ),
  },
);
