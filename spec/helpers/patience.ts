/**
 * How long the suite waits for any one thing, in ms: a start, a response, a condition. A wait ends as soon as it can, so a
 * generous limit costs a green run nothing, and a machine that is busy with other work keeps it.
 */
export const PATIENCE_MS = 90_000;

/** How long one test or hook may take, in ms. It is several waits, so that the wait fails first and says what it waited for. */
export const TEST_TIMEOUT_MS = 4 * PATIENCE_MS;
