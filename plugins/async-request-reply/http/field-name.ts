// Names of header fields. They compare without case; Kong and some servers also treat an underscore as a dash.

/**
 * The name of a field for software that treats underscores as dashes: `kong.response.exit` sends `Content_Length` as `Content-Length`
 * (lua_transform_underscores_in_response_headers of lua-nginx-module).
 */
export const foldFieldName = (name: string): string => name.toLowerCase().replaceAll('_', '-');

/** Whether `kong.response.exit` would send the field under another name. */
export const isRenamedByExit = (name: string): boolean => name.includes('_');
