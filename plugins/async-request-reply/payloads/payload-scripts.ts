// The script that writes payloads. The header of the Lua file describes what it does and returns.
import path from 'node:path';
import { defineScript } from '../redis/script';

interface PutOptions {
  readonly key: string;
  readonly ttlMs: number;
  /**
   * `first` replaces what is stored, `next` adds to it. `whole` writes a whole payload, and leaves a complete one as it is.
   */
  readonly part: 'first' | 'next' | 'whole';
  /** Field, value, … */
  readonly fields: readonly (string | Buffer)[];
}

const MODES = { first: '1', next: '', whole: 'once' } as const;

/** Returns the number of fields that the payload has then. */
export const putPayload = defineScript({
  name: 'put',
  directory: path.join(__dirname, 'lua'),
  numberOfKeys: 1,
  keys: ({ key }: PutOptions) => [key],
  argv: ({ ttlMs, part, fields }) => [ttlMs, MODES[part], ...fields],
  reply: (fieldCount: number): number => fieldCount,
});
