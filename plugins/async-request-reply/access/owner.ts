// The owner of a job, and whether a caller is the owner. The tag in the record says how the owner was identified, so that the check
// does not depend on the settings of the route that is polled.
import { createHash, timingSafeEqual } from 'node:crypto';
import { AsyncError } from '../errors/async-error';
import type { GatewayRequest } from './gateway-request';

export interface OwnerSettings {
  readonly owner: 'auto' | 'consumer' | 'credential' | 'header' | 'none';
  readonly ownerHeader: string;
}

/** '' means no owner: then the job ID alone gives access. */
export type OwnerTag = string;

const ANONYMOUS: OwnerTag = '';

/** The owner to check against if there is no job: no consumer has such an ID. */
export const ANONYMOUS_JOB: OwnerTag = 'consumer:';

/**
 * The owner of a job that this request submits.
 *
 * @throws AsyncError `identity-required` if the route requires a known caller and the caller is not known.
 */
export async function ownerOf(request: GatewayRequest, settings: OwnerSettings): Promise<OwnerTag> {
  switch (settings.owner) {
    case 'none':
      return ANONYMOUS;
    case 'header':
      return required(await headerTag(request, settings.ownerHeader));
    case 'consumer':
      return required(await consumerTag(request));
    case 'credential':
      return required(await credentialTag(request));
    case 'auto':
      return (await consumerTag(request)) || (await credentialTag(request));
  }
}

/** Whether the sender of this request is the owner that `tag` names. */
export async function isOwner(request: GatewayRequest, tag: OwnerTag): Promise<boolean> {
  const [kind = '', header = ''] = tag.split(':');
  switch (kind) {
    case '':
      return true;
    case 'consumer':
      return same(await consumerTag(request), tag);
    case 'credential':
      return same(await credentialTag(request), tag);
    case 'header':
      return same(await headerTag(request, header), tag);
    default:
      return false;
  }
}

/** Kong's anonymous consumer stands for callers that did not authenticate: it has no credential. */
async function consumerTag(request: GatewayRequest): Promise<OwnerTag> {
  const { consumerId, credentialId } = await request.caller();
  return consumerId !== undefined && credentialId !== undefined ? `consumer:${consumerId}` : ANONYMOUS;
}

async function credentialTag(request: GatewayRequest): Promise<OwnerTag> {
  const { credentialId } = await request.caller();
  return credentialId === undefined ? ANONYMOUS : `credential:${credentialId}`;
}

async function headerTag(request: GatewayRequest, header: string): Promise<OwnerTag> {
  const name = header.toLowerCase();
  const value = (await request.headerValues(name)).join(', ');
  if (value === '') {
    return ANONYMOUS;
  }
  return `header:${name}:${createHash('sha256').update(value, 'latin1').digest('hex')}`;
}

function required(tag: OwnerTag): OwnerTag {
  if (tag === ANONYMOUS) {
    throw new AsyncError('identity-required', {
      detail:
        'This route accepts requests of known callers only. Send the credentials that the API requires.',
    });
  }
  return tag;
}

function same(a: OwnerTag, b: OwnerTag): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
