// The logger of a process or of one of its threads.
import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import { serializeError } from '../../plugins/async-request-reply/errors/serialize-error';

/** A logger that takes errors whole, under the key `err`. @param destination stdout if it is absent */
export const createLogger = (
  options: Pick<LoggerOptions, 'level' | 'name'>,
  destination?: DestinationStream,
): Logger => pino({ ...options, serializers: { err: serializeError } }, destination);
