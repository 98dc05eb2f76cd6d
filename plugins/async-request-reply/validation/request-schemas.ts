// The types that the parts of a validation exchange: plain values, since they cross threads.

/** The JSON Schemas of a route as text. */
export interface RequestSchemas {
  readonly body?: string | undefined;
  readonly query?: string | undefined;
  readonly headers?: string | undefined;
}

export type RequestPart = keyof RequestSchemas;

/** In the order of their errors. */
export const REQUEST_PARTS: readonly RequestPart[] = ['body', 'query', 'headers'];

/** The parts of a request that are to be checked; an undefined part is not. Strings are bytes as Latin-1. */
export interface RequestParts {
  /** In pieces, as they arrived. */
  readonly body?: readonly Uint8Array[] | undefined;
  /** Names and values, decoded. */
  readonly query?: readonly (readonly [name: string, value: string])[] | undefined;
  /** Names in lower case. */
  readonly headers?: readonly (readonly [name: string, value: string])[] | undefined;
}

/** One violation of a schema. It never contains a value of the request. */
export interface ValidationError {
  readonly in: RequestPart;
  /** JSON Pointer (RFC 6901) to the value; '' is the whole part. */
  readonly pointer: string;
  /** The keyword of JSON Schema that is violated, or `json`. */
  readonly keyword: string;
  readonly message: string;
}

export type ValidationOutcome =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly errors: readonly ValidationError[] }
  /** It took too long, or too much memory. */
  | { readonly kind: 'over' }
  /** Too many requests wait to be checked. */
  | { readonly kind: 'busy' };
