declare module 'fast-decode-uri-component' {
  /** `decodeURIComponent` that does not throw: null if the text is not UTF-8 behind its percent signs. */
  const decode: (text: string) => string | null;
  export = decode;
}
