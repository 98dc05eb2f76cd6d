// An instance as the handoff listener knows it.
import type { RouteSettings } from '../access/route-settings';
import type { AccessStore } from '../store/access-store';

/** What a plugin instance's notes are carried out with. */
export interface HandoffTarget {
  readonly settings: RouteSettings;
  readonly store: AccessStore;
}
