import { upstreamTarget } from '../../../plugins/async-request-reply/access/submit/upstream-target';

type Parameters3 = Parameters<typeof upstreamTarget>;

/** With a URL of its own the route reads nothing from the request. */
const targetOf = (url: string): ReturnType<typeof upstreamTarget> =>
  upstreamTarget(
    {} as Parameters3[0],
    { upstream: { mode: 'url', url } } as Parameters3[1],
    {} as Parameters3[2],
  );

test.each([
  ['http://reports.internal', { scheme: 'http', host: 'reports.internal', port: 80 }],
  ['https://reports.internal', { scheme: 'https', host: 'reports.internal', port: 443 }],
  ['http://127.0.0.1:8000', { scheme: 'http', host: '127.0.0.1', port: 8000 }],
  ['http://[::1]:8000', { scheme: 'http', host: '::1', port: 8000 }],
])('the upstream of %s', async (url, target) => {
  expect(await targetOf(url)).toEqual(target);
});
