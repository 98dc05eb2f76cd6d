// What nginx knows about the request, read as cheaply as this Kong allows: all at once if it has the variable `arr_request` of
// kong/nginx/async-request-reply.conf, else one variable per call, and only those that are used.
import type { Pdk } from './pdk';

/** The variables behind `$arr_request`, in its order. kong/nginx/async-request-reply.conf lists the same. */
export const VARIABLE_NAMES = [
  'request',
  'request_method',
  'request_uri',
  'args',
  'is_args',
  'http_host',
  'http_x_async_kong_id',
  'http_x_async_kong_loopback',
  'http_content_length',
  'http_transfer_encoding',
  'http_upgrade',
  'http_prefer',
  'http_if_match',
  'http_if_none_match',
  'http_if_modified_since',
  'http_if_unmodified_since',
  'server_protocol',
  'remote_addr',
  'kong_request_id',
  'upstream_uri',
  'upstream_scheme',
  'upstream_host',
  'upstream_x_forwarded_for',
  'upstream_x_forwarded_proto',
  'upstream_x_forwarded_host',
  'upstream_x_forwarded_port',
  'upstream_x_forwarded_path',
  'upstream_x_forwarded_prefix',
  'upstream_via',
] as const;

export type VariableName = (typeof VARIABLE_NAMES)[number];

/** First field of `$arr_request`: the version of its layout, so that the include of another release is not misread. */
const LAYOUT = 'arr3';

/** nginx rejects a newline in every part of a request, so that it can separate the fields. */
const SEPARATOR = '\n';

export class NginxVariables {
  readonly #pdk: Pdk;
  readonly #known: Map<VariableName, string>;

  private constructor(pdk: Pdk, known: Map<VariableName, string>) {
    this.#pdk = pdk;
    this.#known = known;
  }

  /**
   * @param combined whether to read `$arr_request`.
   * @param onMissing called if this Kong does not have it.
   */
  static async load(pdk: Pdk, combined: boolean, onMissing: () => void): Promise<NginxVariables> {
    const known = new Map<VariableName, string>();
    if (combined) {
      const fields = ((await pdk.nginx.get_var('arr_request')) ?? '').split(SEPARATOR);
      if (fields[0] === LAYOUT && fields.length === VARIABLE_NAMES.length + 1) {
        VARIABLE_NAMES.forEach((name, index) => known.set(name, fields[index + 1] ?? ''));
      } else {
        onMissing();
      }
    }
    return new NginxVariables(pdk, known);
  }

  /** The value of the variable; '' if it has none. */
  async get(name: VariableName): Promise<string> {
    let value = this.#known.get(name);
    if (value === undefined) {
      value = (await this.#pdk.nginx.get_var(name)) ?? '';
      this.#known.set(name, value);
    }
    return value;
  }
}

/** The client's method: a plugin can change `request_method`, but not the request line. */
export async function sentMethod(variables: NginxVariables): Promise<string> {
  const [method = ''] = (await variables.get('request')).split(' ', 1);
  return method;
}
