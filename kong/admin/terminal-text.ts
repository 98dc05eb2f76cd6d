// Escapes the output for terminals, which obey control characters. A stored path, a queue's name or an argument may contain
// any.

/** C0 without LF and ESC, DEL and C1. */
// eslint-disable-next-line no-control-regex -- control characters are the point
const CONTROLS = /[\u0000-\u0009\u000b-\u001a\u001c-\u001f\u007f-\u009f]/g;

/** ESC, unless it begins one of the colors of admin.ts. */
// eslint-disable-next-line no-control-regex -- control characters are the point
const STRAY_ESCAPES = /\u001b(?!\[(?:0|1|31|32|33)m)/g;

/** Text for people: `?` in place of each control character. */
export const toTerminalText = (text: string): string =>
  text.replace(CONTROLS, '?').replace(STRAY_ESCAPES, '?');

/** JSON, with DEL and C1 escaped too. */
export const toTerminalJson = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(
    /[\u007f-\u009f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
