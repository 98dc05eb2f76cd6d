// Formats numbers of things.

/** `1 job was`, `2 jobs were`. @param many by default `one` and an s */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${String(count)} ${count === 1 ? one : many}`;
