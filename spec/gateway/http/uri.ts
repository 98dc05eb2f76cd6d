/** Characters that keep their percent-encoding, since decoding them would change what the URI says. */
const RESERVED = new Set("!*'();:@&=+$,/?%#[]");

/**
 * A path as Kong's router sees it: unreserved characters decoded, dot segments and (optionally) repeated slashes gone.
 * After `normalize` in kong/tools/uri.lua; bytes are Latin-1 characters.
 */
export function normalizePath(path: string, mergeSlashes: boolean): string {
  if (path === '' || path === '/') return path;
  const decoded = path.replace(/%([\dA-Fa-f]{2})/g, (whole, hex: string) => {
    const char = String.fromCharCode(parseInt(hex, 16));
    return RESERVED.has(char) ? whole.toUpperCase() : char;
  });
  if (!decoded.includes('.') && !(mergeSlashes && decoded.includes('//'))) return decoded;
  return removeDotSegments(decoded, mergeSlashes);
}

function removeDotSegments(path: string, mergeSlashes: boolean): string {
  const output: string[] = [];
  let rest = path;
  while (rest.length > 0) {
    if (rest === '/.') rest = '/';
    else if (rest === '/..') {
      rest = '/';
      output.pop();
    } else if (rest === '.' || rest === '..') rest = '';
    else if (rest.startsWith('../')) rest = rest.slice(3);
    else if (rest.startsWith('./')) rest = rest.slice(2);
    else if (rest.startsWith('/./')) rest = rest.slice(2);
    else if (rest.startsWith('/../')) {
      rest = rest.slice(3);
      output.pop();
    } else if (mergeSlashes && rest.startsWith('//')) rest = rest.slice(1);
    else {
      const next = rest.indexOf('/', 1);
      output.push(next < 0 ? rest : rest.slice(0, next));
      rest = next < 0 ? '' : rest.slice(next);
    }
  }
  return output.join('');
}

/** Whether nginx takes a path, which it decodes and resolves before Kong sees it (ngx_http_parse_complex_uri). */
export function isResolvable(path: string): boolean {
  if (/%(?![\dA-Fa-f]{2})|%00/.test(path)) return false;
  const decoded = path.replace(/%2e/gi, '.').replace(/%2f/gi, '/');
  let depth = 0;
  for (const segment of decoded.split('/')) {
    if (segment === '..') depth--;
    else if (segment !== '' && segment !== '.') depth++;
    if (depth < 0) return false;
  }
  return true;
}

/** Percent-encodes what may not stand in a request line; after `escape` in kong/tools/uri.lua. */
export function escapePath(path: string): string {
  return path.replace(
    /[^!#$&'()*+,/:;=?@[\]A-Za-z0-9\-_.~%]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
