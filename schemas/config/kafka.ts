/** The brokers and topics of `dispatch: kafka`. The record may be absent, since most routes call HTTP. */
import { field } from '../field';
import { values } from '../values';

/** The header that carries the job ID on the HTTP side too. */
const DEFAULT_CORRELATION = 'X-Async-Kong-Id';

export const kafkaSchema = field.optionalRecord(
  'KafkaConfig',
  'Brokers and topics for dispatch kafka.',
  ['brokers', 'request_topic', 'reply_topic'],
  {
    brokers: field.list(
      'Brokers for the first connection, as host:port.',
      field.string('A broker as host:port.', values.hostAndPort),
      { minItems: 1 },
    ),
    request_topic: field.string('Topic to which requests are written.', values.topic),
    reply_topic: field.string('Topic from which replies are read.', values.topic),
    correlation_in: field.string(
      'Where the request message carries the job ID: a header name, or a JSON Pointer into a JSON body.',
      { ...values.correlation, default: DEFAULT_CORRELATION },
    ),
    correlation_out: field.string(
      'Where the reply message carries the job ID: a header name, or a JSON Pointer into a JSON body.',
      { ...values.correlation, default: DEFAULT_CORRELATION },
    ),
    reply_timeout: field.timeout('Time limit for the reply, in milliseconds.', 30000),
    ssl: field.flag('Whether to connect with TLS.', { default: false }),
    sasl_mechanism: field.choice('SASL mechanism; requires sasl_username and sasl_password.', [
      'plain',
      'scram-sha-256',
      'scram-sha-512',
    ]),
    sasl_username: field.string('User name for SASL.', values.referenceable),
    sasl_password: field.string('Password for SASL.', values.secret),
    acks: {
      ...field.integer(
        'Acknowledgements that a write waits for: -1 is all in-sync replicas, 1 is the leader, 0 is none.',
        -1,
        1,
      ),
      enum: [-1, 0, 1],
      default: -1,
    },
  },
);
