// The callback that a submit requests. It is accepted only if the route has a target for its host and port, so that callers cannot
// make the gateway call arbitrary addresses. The address that the host resolves to is checked at the call: callbacks/.
import type { Config } from '../../../../schemas/generated/config-type';
import { AsyncError } from '../../errors/async-error';
import { fieldValues } from '../../http/fields';
import type { HeaderField } from '../../http/reply';
import type { JobLinks } from '../../jobs/status-body';
import { fingerprint } from '../../secrets/fingerprint';
import type { CallbackOptions } from '../../jobs/callback-options';

interface CallbackTarget {
  /** In lower case; `*.suffix` matches every name below the suffix. */
  readonly host: string;
  readonly ports: readonly number[];
  readonly allowPrivate: boolean;
  /** Fingerprint of the secret that signs. */
  readonly secret: string;
}

export interface CallbackSettings {
  readonly header: string;
  readonly baseUrl: string | undefined;
  readonly targets: readonly CallbackTarget[];
}

const MAX_URL_CHARACTERS = 2048;

const HTTPS_PORT = 443;

export const callbackSettings = ({ callback }: Config): CallbackSettings => ({
  header: callback.header.toLowerCase(),
  baseUrl: callback.base_url,
  targets: callback.targets.map(({ host, ports, allow_private: allowPrivate, secrets }) => ({
    host: host.toLowerCase(),
    ports,
    allowPrivate,
    secret: fingerprint(secrets[0] ?? ''),
  })),
});

/**
 * @param links of the job, relative to the gateway; undefined if the route has none.
 * @returns undefined if the submit requests no callback, or the route has no targets at all.
 * @throws AsyncError `invalid-callback-url`
 */
export function callbackOptions(
  headers: readonly HeaderField[],
  links: JobLinks | undefined,
  settings: CallbackSettings,
): CallbackOptions | undefined {
  const values = fieldValues(headers, settings.header).map((value) => value.trim());
  const [value] = values;
  if (value === undefined || settings.targets.length === 0) {
    return undefined;
  }
  const url = values.length === 1 ? parseUrl(value) : undefined;
  const target = url && settings.targets.find((one) => isTarget(url, one));
  if (url === undefined || target === undefined) {
    throw new AsyncError('invalid-callback-url', {
      detail:
        'The callback URL must be sent once, be an https URL without user and password, and have a host and a port that ' +
        'are a callback target of this route.',
    });
  }
  return {
    url: url.href,
    secret: target.secret,
    allowPrivate: target.allowPrivate,
    links: links && absolute(links, settings.baseUrl),
  };
}

/** Rejects what the URL parser would silently repair: spaces, backslashes, control characters. */
function parseUrl(text: string): URL | undefined {
  if (
    text.length > MAX_URL_CHARACTERS ||
    !/^https:\/\/[\x21-\x5b\x5d-\x7e]+$/i.test(text) ||
    !URL.canParse(text)
  ) {
    return undefined;
  }
  const url = new URL(text);
  const authority = /^https:\/\/([^/?#]*)/i.exec(text)?.[1] ?? '';
  url.hash = '';
  return authority.includes('@') || url.username !== '' || url.password !== '' ? undefined : url;
}

function isTarget(url: URL, { host, ports }: CallbackTarget): boolean {
  const port = url.port === '' ? HTTPS_PORT : Number(url.port);
  const name = url.hostname.toLowerCase();
  return (host.startsWith('*.') ? name.endsWith(host.slice(1)) : name === host) && ports.includes(port);
}

/** The base is never the Host header of the submit: the receiver may follow the links with credentials. */
function absolute(links: JobLinks, baseUrl: string | undefined): JobLinks | undefined {
  const isAbsolute = /^https?:\/\//.test(links.status);
  if (!isAbsolute && baseUrl === undefined) {
    return undefined;
  }
  const base = isAbsolute ? '' : (baseUrl ?? '').replace(/(?<!\/)\/+$/, '');
  return { status: base + links.status, result: base + links.result };
}
