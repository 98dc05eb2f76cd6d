// Names of header fields, which are compared without case; Kong and many a server take an underscore for a dash besides.

/**
 * The name by which a field is known to whoever takes underscores for dashes: `kong.response.exit` sends `Content_Length` as
 * `Content-Length` (lua_transform_underscores_in_response_headers of lua-nginx-module).
 */
export const foldFieldName = (name: string): string => name.toLowerCase().replaceAll('_', '-');

/** Whether `kong.response.exit` would send the field under another name. */
export const isRenamedByExit = (name: string): boolean => name.includes('_');
