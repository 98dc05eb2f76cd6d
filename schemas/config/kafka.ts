/** The brokers and topics of `dispatch: kafka`. The record may be absent, since most routes call HTTP. */
import { field } from '../field';
import { values } from '../values';

/** What both ends agree on when nobody says otherwise: the header that carries the job ID on the HTTP side too. */
const DEFAULT_CORRELATION = 'X-Async-Kong-Id';

export const kafkaSchema = field.optionalRecord(
  'KafkaConfig',
  'Brokers and topics for dispatch kafka.',
  ['brokers', 'request_topic', 'reply_topic'],
  {
    brokers: field.list(
      'Brokers to start from, as host:port.',
      field.string('A broker, as host:port.', values.hostAndPort),
      { minItems: 1 },
    ),
    request_topic: field.string('Topic that requests are written to.', values.topic),
    reply_topic: field.string('Topic that replies are read from.', values.topic),
    correlation_in: field.string(
      'Where the job ID goes in the request message: a header name, or a JSON Pointer into a JSON body.',
      { ...values.correlation, default: DEFAULT_CORRELATION },
    ),
    correlation_out: field.string(
      'Where the job ID is found in the reply message: a header name, or a JSON Pointer into a JSON body.',
      { ...values.correlation, default: DEFAULT_CORRELATION },
    ),
    reply_timeout: field.timeout('How long a reply may take, in milliseconds.', 30000),
    ssl: field.flag('Whether to connect with TLS.', { default: false }),
    sasl_mechanism: field.choice('How to authenticate; needs sasl_username and sasl_password.', [
      'plain',
      'scram-sha-256',
      'scram-sha-512',
    ]),
    sasl_username: field.string('User name for SASL.', values.referenceable),
    sasl_password: field.string('Password for SASL.', values.secret),
    acks: {
      ...field.integer(
        'Acknowledgements that a write waits for: -1 all replicas in sync, 1 the leader, 0 none.',
        -1,
        1,
      ),
      enum: [-1, 0, 1],
      default: -1,
    },
  },
);
