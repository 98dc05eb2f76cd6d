// What the access side tells the handoff listener about a request that nginx is about to send there: everything but the
// body. It goes with the request, sealed, since nginx connects only when it has taken the whole upload.
import type { AcceptOrder } from '../access/submit/accept-job';
import type { HeaderField, StoredBody } from '../http/reply';

export interface ReplayOrder {
  readonly kind: 'replay';
  readonly status: number;
  readonly headers: readonly HeaderField[];
  readonly body: StoredBody;
  /** What Kong adds to the answer, whatever becomes of it. */
  readonly presets?: readonly HeaderField[];
  readonly statedLength?: number | null;
}

export type HandoffOrder = (AcceptOrder & { readonly kind: 'accept' }) | ReplayOrder;

export interface HandoffNote {
  /** Names the settings of the plugin instance. */
  readonly settingsKey: string;
  /** The request's method: the note is good for no other. */
  readonly method: string;
  readonly order: HandoffOrder;
}

/** The header field that carries a note from access to the listener. */
export const NOTE_HEADER = 'x-async-kong-handoff';
