import { toTerminalJson, toTerminalText } from '../../../kong/admin/terminal-text';

const EVERY = String.fromCharCode(...Array.from({ length: 160 }, (_, code) => code));
const isControl = (code: number): boolean => code < 0x20 || (code >= 0x7f && code <= 0x9f);
const controlsIn = (text: string): number[] => [...text].map((char) => char.charCodeAt(0)).filter(isControl);

test('text for terminals has no control characters except line feeds', () => {
  expect(new Set(controlsIn(toTerminalText(EVERY)))).toEqual(new Set([0x0a]));
});

test('text for terminals keeps our colours, and no other sequence', () => {
  expect(toTerminalText('\u001b[31mred\u001b[0m')).toBe('\u001b[31mred\u001b[0m');
  expect(toTerminalText('\u001b]0;title\u0007 \u001b[2J \u009b2J')).toBe('?]0;title? ?[2J ?2J');
});

test('JSON escapes every control character and keeps its meaning', () => {
  const json = toTerminalJson({ path: EVERY });
  expect(new Set(controlsIn(json))).toEqual(new Set([0x0a]));
  expect(JSON.parse(json)).toEqual({ path: EVERY });
});
