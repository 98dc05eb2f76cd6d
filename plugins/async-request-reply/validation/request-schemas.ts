// What the parts of a validation hand to one another: plain values, since they cross threads.

/** JSON Schemas of a route as text. */
export interface RequestSchemas {
  readonly body?: string | undefined;
  readonly query?: string | undefined;
  readonly headers?: string | undefined;
}

export type RequestPart = keyof RequestSchemas;

/** In the order in which errors are told. */
export const REQUEST_PARTS: readonly RequestPart[] = ['body', 'query', 'headers'];

/** What of a request is to be checked; a part that is undefined is not. Strings are bytes as Latin-1. */
export interface RequestParts {
  /** In pieces, as they came. */
  readonly body?: readonly Uint8Array[] | undefined;
  /** Names and values, decoded. */
  readonly query?: readonly (readonly [name: string, value: string])[] | undefined;
  /** Names in lower case. */
  readonly headers?: readonly (readonly [name: string, value: string])[] | undefined;
}

/** One thing that is wrong with a request. It never holds a value of the request. */
export interface ValidationError {
  readonly in: RequestPart;
  /** JSON Pointer (RFC 6901) to the value; '' is the whole. */
  readonly pointer: string;
  /** The keyword of JSON Schema that it fails, or `json`. */
  readonly keyword: string;
  readonly message: string;
}

export type ValidationOutcome =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly errors: readonly ValidationError[] }
  /** It took too long, or too much memory. */
  | { readonly kind: 'over' }
  /** Too many requests wait for their turn. */
  | { readonly kind: 'busy' };
