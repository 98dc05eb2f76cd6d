const CLASSES: Record<string, string> = {
  a: 'A-Za-z',
  c: '\\x00-\\x1f\\x7f',
  d: '0-9',
  l: 'a-z',
  p: '!-\\/:-@\\[-`{-~',
  s: '\\t-\\r ',
  u: 'A-Z',
  w: 'A-Za-z0-9',
  x: 'A-Fa-f0-9',
};

/** A Lua pattern as a regular expression; `%b`, `%f` and back references are not there. */
export function luaPattern(pattern: string): RegExp {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] ?? '';
    if (char === '%') source += percent(pattern[++i] ?? '', false);
    else if (char === '[') {
      const end = setEnd(pattern, i);
      source += set(pattern.slice(i + 1, end));
      i = end;
    } else source += plain(char, i, pattern.length);
  }
  return new RegExp(source);
}

function plain(char: string, at: number, length: number): string {
  if (char === '^') return at === 0 ? '^' : '\\^';
  if (char === '$') return at === length - 1 ? '$' : '\\$';
  if (char === '.') return '[^]';
  if (char === '-') return '*?';
  return /[{}|\\/]/.test(char) ? `\\${char}` : char;
}

/** An escape, inside a set or outside one. */
function percent(char: string, isInSet: boolean): string {
  const members = CLASSES[char.toLowerCase()];
  if (members === undefined || !/[a-z]/i.test(char)) {
    return `\\${char}`.replace(/^\\([%_"'`~&!#@,:;<>= ])$/, '$1');
  }
  if (/[a-z]/.test(char)) return isInSet ? members : `[${members}]`;
  return isInSet ? complement(members) : `[^${members}]`;
}

function complement(members: string): string {
  const outside = new RegExp(`[^${members}]`);
  const chars = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
  const codes = chars.filter((char) => outside.test(char)).map((char) => char.charCodeAt(0).toString(16));
  return codes.map((code) => `\\x${code.padStart(2, '0')}`).join('');
}

/** The first bracket of a set stands for itself, and so does an escaped one. */
function setEnd(pattern: string, start: number): number {
  let i = start + (pattern[start + 1] === '^' ? 2 : 1);
  for (let isFirst = true; i < pattern.length; i++, isFirst = false) {
    if (pattern[i] === '%') i++;
    else if (pattern[i] === ']' && !isFirst) return i;
  }
  throw new Error(`malformed pattern: ${pattern}`);
}

function set(members: string): string {
  let source = '';
  for (let i = 0; i < members.length; i++) {
    const char = members[i] ?? '';
    if (char === '%') source += percent(members[++i] ?? '', true);
    else if (char === '^' && i === 0) source += '^';
    else if (char === '-' && (i === 0 || i === members.length - 1)) source += '\\-';
    else source += /[\\[\]^]/.test(char) ? `\\${char}` : char;
  }
  return `[${source}]`;
}
