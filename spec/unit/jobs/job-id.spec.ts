import {
  jobIdTimeMs,
  loggableJobId,
  newJobId,
  parseJobId,
} from '../../../plugins/async-request-reply/jobs/job-id';

describe('job IDs', () => {
  test('are UUIDv7 with the time in front', () => {
    const id = newJobId(0x0123456789ab);
    expect(id).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(jobIdTimeMs(id)).toBe(0x0123456789ab);
  });

  test('have no counter: every free bit differs between IDs of one millisecond', () => {
    const ids = Array.from({ length: 200 }, () => BigInt(`0x${newJobId(1).replaceAll('-', '')}`));
    const seenSet = ids.reduce((all, id) => all | id, 0n);
    const seenClear = ids.reduce((all, id) => all | ~id, 0n);
    const free = (0xfffn << 64n) | ((1n << 62n) - 1n);
    expect(seenSet & free).toBe(free);
    expect(seenClear & free).toBe(free);
  });

  test('are read in upper case too and come out in lower case', () => {
    const id = newJobId();
    expect(parseJobId(id.toUpperCase())).toBe(id);
  });

  test.each([
    ['nothing', ''],
    ['a UUIDv4', '9f8b1c8e-2f1e-4b60-9a0c-6a7d3c1f2b11'],
    ['another variant', '01890a5d-ac96-774b-7cce-b302099a8057'],
    ['a missing digit', '01890a5d-ac96-774b-bcce-b302099a805'],
    ['a trailing line end', '01890a5d-ac96-774b-bcce-b302099a8057\n'],
    ['braces', '{01890a5d-ac96-774b-bcce-b302099a8057}'],
  ])('are not read from %s', (_case, text) => {
    expect(parseJobId(text)).toBeUndefined();
  });

  test('show 18 characters in logs', () => {
    expect(loggableJobId('01890a5d-ac96-774b-bcce-b302099a8057')).toBe('01890a5d-ac96-774b');
  });
});
