// The part of Kong's plugin development kit that this plugin calls, as kong-pdk provides it. Every call is a message to Kong and its
// answer, and takes about 0.1 ms. Only this folder calls it.

/** A header map of Kong: names in lower case, values in arrays. */
type HeaderMap = Readonly<Record<string, readonly string[]>>;

export interface Pdk {
  nginx: {
    get_var(name: string): Promise<string | undefined>;
    get_ctx(name: string): Promise<unknown>;
  };
  ip: {
    is_trusted(address: string): Promise<boolean | undefined>;
  };
  ctx: {
    shared: { set(name: string, value: string): Promise<void> };
  };
  request: {
    get_headers(max: number): Promise<HeaderMap>;
    get_raw_body(maxAllowedFileSize: number): Promise<Buffer | string | undefined>;
    get_body(mimetype: string, maxArgs: number, maxAllowedFileSize: number): Promise<unknown>;
  };
  router: {
    get_service(): Promise<unknown>;
    get_route(): Promise<unknown>;
  };
  service: {
    set_upstream(host: string): Promise<boolean | undefined>;
    set_target(host: string, port: number): Promise<void>;
    request: {
      clear_header(name: string): Promise<void>;
      set_header(name: string, value: string): Promise<void>;
      set_method(method: string): Promise<void>;
      set_path(path: string): Promise<void>;
      set_raw_query(query: string): Promise<void>;
      set_scheme(scheme: string): Promise<void>;
    };
  };
  response: {
    add_header(name: string, value: string): Promise<void>;
    exit(status: number, body?: Buffer | string, headers?: OutgoingHeaders): Promise<void>;
  };
}

/** Header fields for Kong: a repeated field is an array. Without a prototype, so that no name is special. */
export type OutgoingHeaders = Record<string, string | string[]>;
