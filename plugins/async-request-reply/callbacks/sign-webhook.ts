// Signs callbacks by Standard Webhooks 1.0: a receiver can verify the sender, and recognize a repeated callback by its ID.
import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';

/**
 * @param id of the message, the same for each try.
 * @param nowSeconds the time of this try, since 1970.
 * @param secret `whsec_` and base64.
 */
export function signedFields(
  id: string,
  nowSeconds: number,
  body: string,
  secret: string,
): Readonly<Record<string, string>> {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const timestamp = String(nowSeconds);
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
