// The Prefer field of a request (RFC 7240).

/** The members of a list, in order; commas in quoted strings do not separate. */
const membersOf = (value: string): string[] => value.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? [];

/**
 * Whether the client prefers an answer at once over one that waits (RFC 7240, 4.1).
 *
 * @param values the Prefer fields in their order. Names compare without case; unknown preferences and parameters are
 *   passed over.
 */
export const prefersAsync = (values: readonly string[]): boolean =>
  values
    .flatMap(membersOf)
    .some((member) => member.split(/[;=]/, 1)[0]?.trim().toLowerCase() === 'respond-async');
