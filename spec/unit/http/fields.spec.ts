import { fieldValue, fieldValues } from '../../../plugins/async-request-reply/http/fields';
import type { HeaderField } from '../../../plugins/async-request-reply/http/reply';

const FIELDS: readonly HeaderField[] = [
  ['Set-Cookie', 'a=1'],
  ['Location', '/there'],
  ['set-cookie', 'b=2'],
];

describe('a look-up of header fields', () => {
  it('finds all fields of a name in their order, whatever the case', () => {
    expect(fieldValues(FIELDS, 'SET-COOKIE')).toEqual(['a=1', 'b=2']);
    expect(fieldValues(FIELDS, 'absent')).toEqual([]);
  });

  it('finds the first field of a name, whatever the case', () => {
    expect(fieldValue(FIELDS, 'set-Cookie')).toBe('a=1');
    expect(fieldValue(FIELDS, 'location')).toBe('/there');
    expect(fieldValue(FIELDS, 'absent')).toBeUndefined();
  });
});
