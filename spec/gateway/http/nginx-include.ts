/** A `map` block: the value that a request gets for it is that of the first rule that fits the source. */
export interface NginxMap {
  source: string;
  defaultValue: string;
  rules: { pattern: string; value: string }[];
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', '"': '"', "'": "'", '\\': '\\' };

/**
 * Reads the `map` blocks of an nginx include file; other directives are skipped.
 * @returns the maps by the name of their variable, in lower case
 */
export function readNginxMaps(text: string): Map<string, NginxMap> {
  const maps = new Map<string, NginxMap>();
  const words = tokens(text);
  for (let i = 0; i < words.length; i++) {
    if (words[i] !== 'map' || words[i + 3] !== '{') continue;
    const end = words.indexOf('}', i);
    const name = (words[i + 2] ?? '').replace(/^\$/, '').toLowerCase();
    maps.set(name, readBlock(words[i + 1] ?? '', words.slice(i + 4, end)));
    i = end;
  }
  return maps;
}

function readBlock(source: string, words: string[]): NginxMap {
  const map: NginxMap = { source, defaultValue: '', rules: [] };
  let statement: string[] = [];
  for (const word of words) {
    if (word !== ';') {
      statement.push(word);
      continue;
    }
    const [pattern = '', value = ''] = statement;
    if (statement.length === 2) {
      if (pattern === 'default') map.defaultValue = value;
      else map.rules.push({ pattern, value });
    }
    statement = [];
  }
  return map;
}

/** nginx's words: bare, or quoted with backslash escapes; `{`, `}` and `;` stand alone; `#` starts a comment. */
function tokens(text: string): string[] {
  const words: string[] = [];
  const pattern =
    /#[^\n]*|"((?:\\[^]|[^"\\])*)"|'((?:\\[^]|[^'\\])*)'|([{};])|((?:\$\{\w+\}|\\[^]|[^\s{};"'\\])+)/g;
  for (const match of text.matchAll(pattern)) {
    const [whole, double, single, mark, bare] = match;
    if (whole.startsWith('#')) continue;
    words.push(mark ?? unescape(double ?? single ?? bare ?? ''));
  }
  return words;
}

function unescape(text: string): string {
  return text.replace(/\\([^])/g, (whole, char: string) => ESCAPES[char] ?? whole);
}
