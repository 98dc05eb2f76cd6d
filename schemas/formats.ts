/** The formats that ajv checks: pure predicates on one string, by the name that the declarations use as `format`. */

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A pattern checks the form because the URL parser silently drops a bare "?", "#" or "@" and converts backslashes. */
function isBaseUrl(text: string): boolean {
  return /^https?:\/\/[^/?#@{}\s\\]+(\/[^?#\s\\]*)?$/.test(text) && URL.canParse(text);
}

function isStatusUrl(text: string): boolean {
  const path = text.replace(/^https?:\/\/[^/?#@{}\s\\]+/, '');
  if (!/^\/(?!\/)[^?#\s\\]*$/.test(path) || path.split('{id}').length !== 2) {
    return false;
  }
  return (
    !/[{}]/.test(path.replace('{id}', '')) && URL.canParse(text.replace('{id}', '0'), 'http://localhost')
  );
}

/** Checks only that the text looks like PEM. The TLS library parses it and knows all its kinds. */
function isPem(text: string): boolean {
  return /^\s*-----BEGIN ([A-Z0-9 ]+)-----\s[\s\S]+-----END [A-Z0-9 ]+-----\s*$/.test(text);
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function isWebhookSecret(text: string): boolean {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1];
  if (encoded === undefined || encoded.length % 4 !== 0) {
    return false;
  }
  const bytes = Buffer.from(encoded, 'base64').length;
  return bytes >= 24 && bytes <= 64;
}

function isPort(text: string, lowest: number): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= lowest && Number(text) <= 65535;
}

function portOf(text: string): string {
  return text.slice(text.lastIndexOf(':') + 1);
}

function isCorrelation(text: string): boolean {
  return text.startsWith('/') ? /^(\/([^/~\p{Cc}]|~[01])*)+$/u.test(text) : TOKEN.test(text);
}

export const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'base-url': isBaseUrl,
  'status-url': isStatusUrl,
  pem: isPem,
  'json-object': isJsonObject,
  'webhook-secret': isWebhookSecret,
  'host-port': (text) => isPort(portOf(text), 1),
  /** `host:port`, `[v6]:port` or a bare port; port 0 is any free port. The pattern checks the host. */
  listen: (text) => isPort(portOf(text), 0),
  correlation: isCorrelation,
};
