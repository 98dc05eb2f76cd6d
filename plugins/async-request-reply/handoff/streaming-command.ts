// What the access side tells the handoff listener about a request that nginx is about to send there: everything but the
// body. It goes with the request, sealed, since nginx connects only when it has taken the whole upload.
import type { Submission } from '../access/submit/accept-job';
import type { HeaderField, StoredBody } from '../http/reply';

export interface ReplayCommand {
  readonly kind: 'replay';
  readonly status: number;
  readonly headers: readonly HeaderField[];
  readonly body: StoredBody;
  /** What Kong adds to the answer, whatever becomes of it. */
  readonly presets?: readonly HeaderField[];
  readonly statedLength?: number | null;
}

export type StreamingCommand = (Submission & { readonly kind: 'accept' }) | ReplayCommand;

export interface HandoffTicket {
  /** Names the settings of the plugin instance. */
  readonly settingsKey: string;
  /** The request's method: the note is good for no other. */
  readonly method: string;
  readonly command: StreamingCommand;
}

/** The header field that carries a note from access to the listener. */
export const TICKET_HEADER = 'x-async-kong-handoff';
