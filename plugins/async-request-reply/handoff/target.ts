// An instance as the handoff listener knows it.
import type { RouteSettings } from '../access/route/route-settings';
import type { AccessStore } from '../accept/access-store';

/** What a plugin instance's notes are carried out with. */
export interface HandoffTarget {
  readonly settings: RouteSettings;
  readonly store: AccessStore;
}

/** The same for one request. */
export interface LeasedTarget extends HandoffTarget {
  /** Gives the store back when the request is over. */
  readonly release: () => void;
}
