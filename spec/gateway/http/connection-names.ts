/** What a Connection field names; Kong leaves the three usual values alone. */
export function connectionNames(value: string | null): string[] {
  if (value === null || value === 'keep-alive' || value === 'close' || value === 'upgrade') return [];
  return value
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}
