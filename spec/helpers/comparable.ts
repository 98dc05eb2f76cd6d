import type { HttpResponse } from './http-client';

/** Fields that differ from one request to the next, whatever is requested. */
const VOLATILE = /^(date|connection|age|via|content-length|x-kong-.*)$/i;

interface Comparable {
  status: number;
  /** In the alphabet's order, which is not the wire's. */
  fields: string[];
  body: string;
}

/** What a client can learn from a response, with the requested job ID replaced by `ID`. */
export function comparable(response: HttpResponse, id: string): Comparable {
  const hideId = (text: string): string => (id === '' ? text : text.replaceAll(id, 'ID'));
  return {
    status: response.status,
    fields: response.fields
      .filter(([name]) => !VOLATILE.test(name))
      .map(([name, value]) => hideId(`${name.toLowerCase()}: ${value}`))
      .sort(),
    body: hideId(response.text),
  };
}
