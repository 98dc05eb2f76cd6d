// What the access side and the handoff listener exchange. nginx proxies a large upload to the listener, and fetches a large result
// from it. The ticket of the request says what to do: it travels with the request, sealed, since nginx connects only when it has the
// whole upload.
import type { Config } from '../../../schemas/generated/config-type';
import type { RouteContext } from '../access/access-context';
import type { StreamingCommand } from '../access/gateway-action';

/** The header field that carries the ticket from the access side to the listener. */
export const TICKET_HEADER = 'x-async-kong-handoff';

export interface HandoffTicket {
  /** Names the settings of the plugin instance. */
  readonly settingsKey: string;
  /** The method of the request. The ticket is not valid for another method. */
  readonly method: string;
  readonly command: StreamingCommand;
}

/** The access side's view of the listener. */
export interface HandoffListener {
  /** Sends the settings of an instance to the listener. @returns the name by which a ticket refers to them. */
  register(config: Config): string;
  /** The port of the listener; undefined while it is down. */
  port(): number | undefined;
  /** The text of a ticket, which only the listener of this process can open. */
  seal(ticket: HandoffTicket): string;
}

/** The settings and the store of a plugin instance, for one request. */
export interface LeasedRoute extends RouteContext {
  /** Gives the store back when the request has ended. */
  readonly release: () => void;
}
