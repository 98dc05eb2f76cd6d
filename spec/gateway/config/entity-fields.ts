import type { LuaTable } from '../rpc/lua-value';
import type { Violations } from './schema-violations';

const COMMON = ['id', 'created_at', 'updated_at', 'tags', '_comment', '_ignore'];

/** The fields of Kong 3.9's entities, nested entities aside. */
const FIELDS = {
  services:
    'name url retries protocol host port path connect_timeout write_timeout read_timeout client_certificate tls_verify ' +
    'tls_verify_depth ca_certificates enabled',
  routes:
    'name protocols https_redirect_status_code strip_path preserve_host request_buffering response_buffering service ' +
    'snis sources destinations methods hosts paths headers regex_priority path_handling',
  plugins: 'name instance_name route service consumer config protocols enabled ordering',
  consumers: 'username custom_id',
};

/** @returns the fields that Kong does not know, or null */
export function unknownFields(section: keyof typeof FIELDS, given: LuaTable): Violations | null {
  const known = new Set([...COMMON, ...FIELDS[section].split(' ')]);
  const unknown = Object.keys(given).filter((name) => !known.has(name));
  return unknown.length === 0 ? null : Object.fromEntries(unknown.map((name) => [name, 'unknown field']));
}
