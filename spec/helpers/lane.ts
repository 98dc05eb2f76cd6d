// Which path bodies and replays take under the specs: by default the handoff path or the inline path, by their size.

/** With `SPEC_LANE=handoff` every body and every replay takes the handoff path. */
export const IS_HANDOFF_LANE = process.env['SPEC_LANE'] === 'handoff';

/** What is expected where the lanes differ: an answer of the plugin's own, and one that Kong proxies. */
export const byLane = <T>(exit: T, handoff: T): T => (IS_HANDOFF_LANE ? handoff : exit);
