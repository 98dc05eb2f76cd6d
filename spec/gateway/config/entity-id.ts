import { createHash } from 'node:crypto';

/** Kong's root namespace for entities of a declarative file (kong/db/schema/others/declarative_config.lua). */
const ROOT = 'fd02801f-0957-4a15-a55a-c8d9606f30b5';

/** The workspace that every entity of a DB-less Kong is in. */
export const WORKSPACE_ID = '0dc6f45b-8f8d-40d2-a504-473544ee190b';

/** The ID that Kong gives an entity without one: the same name always makes the same UUID (version 5). */
export function entityId(entity: string, key: string): string {
  return uuid5(uuid5(ROOT, entity), key);
}

function uuid5(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name);
  const bytes = hash.digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
