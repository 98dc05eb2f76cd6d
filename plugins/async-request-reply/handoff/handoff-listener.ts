// The access side's end of the handoff lane: where its listener is, and how to write notes for it.
import type { Config } from '../../../schemas/generated/config-type';
import type { HandoffTicket } from './streaming-command';

export interface HandoffListener {
  /** Makes an instance's settings known to the listener. @returns the name under which a note refers to them. */
  register(config: Config): string;
  /** Where the listener is, undefined while it is away. */
  port(): number | undefined;
  seal(ticket: HandoffTicket): string;
}
