// Answers where no problem names what broke: a stranger learns nothing from them.
import { AsyncError } from '../errors/async-error';
import { problemReply } from '../errors/problem-reply';
import { OWN_ANSWER_FIELDS, type ShortReply } from '../http/reply';

/** Something of ours failed. */
export const internalErrorReply = (): ShortReply =>
  problemReply(
    new AsyncError('internal-error', { detail: 'The request could not be handled.' }),
    OWN_ANSWER_FIELDS,
  );

/** Kong asks for a plugin instance that is long closed. */
export const restartingReply = (): ShortReply =>
  problemReply(
    new AsyncError('plugin-restarting', {
      detail: 'The gateway is taking over a new configuration. Send the request again.',
      retryAfterSeconds: 1,
    }),
    OWN_ANSWER_FIELDS,
  );
