import { hasLinks, jobLinks } from '../../../plugins/async-request-reply/access/job-links';
import { routeSettings } from '../../../plugins/async-request-reply/access/route/route-settings';
import { resolveConfig } from '../../../schemas/resolve-config';

const settings = (config: object = {}) => routeSettings(resolveConfig(config));

describe('links of a job', () => {
  test.each([
    ['/reports', '/reports?async-id=ID'],
    ['/reports?x=1&y', '/reports?async-id=ID'],
    ['//evil.example/x', '/evil.example/x?async-id=ID'],
    ['///', '/?async-id=ID'],
    ['/\\evil.example/x', '/%5Cevil.example/x?async-id=ID'],
    ['//\\/evil.example', '/%5C/evil.example?async-id=ID'],
    ['/caf\xc3\xa9', '/caf%C3%A9?async-id=ID'],
    ['/a"<>^`{|}[]?b', '/a%22%3C%3E%5E%60%7B%7C%7D[]?async-id=ID'],
    ['/a#b?c', '/a?async-id=ID'],
    ["/!$&'()*+,;=:@-._~%20", "/!$&'()*+,;=:@-._~%20?async-id=ID"],
    ['/a%2Fb//c', '/a%2Fb//c?async-id=ID'],
  ])('of a request for %s are under %s', (uri, status) => {
    expect(jobLinks('ID', { uri, prefix: '' }, settings())).toEqual({
      status,
      result: `${status}&async-view=result`,
    });
  });

  test('follow status_url if it is set', () => {
    expect(jobLinks('ID', { uri: '/x', prefix: '' }, settings({ status_url: '/jobs/{id}' }))).toEqual({
      status: '/jobs/ID',
      result: '/jobs/ID/result',
    });
  });

  test.each([
    [undefined, '/api/x?async-id=ID'],
    ['/jobs/{id}', '/api/jobs/ID'],
    ['https://api.example/jobs/{id}', 'https://api.example/jobs/ID'],
  ])('lead back through a proxy in front, where they are paths: status_url %s', (statusUrl, status) => {
    const line = { uri: '/x', prefix: '/api' };

    expect(
      jobLinks('ID', line, settings(statusUrl === undefined ? {} : { status_url: statusUrl })).status,
    ).toBe(status);
  });

  test('are left out if the route does not accept GET', () => {
    expect(hasLinks(settings(), ['POST'])).toBe(false);
    expect(hasLinks(settings(), ['POST', 'GET'])).toBe(true);
    expect(hasLinks(settings(), undefined)).toBe(true);
    expect(hasLinks(settings({ status_url: '/jobs/{id}' }), ['POST'])).toBe(true);
  });
});
