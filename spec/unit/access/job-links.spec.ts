import { hasLinks, jobLinks } from '../../../plugins/async-request-reply/access/job-links';
import { routeSettings } from '../../../plugins/async-request-reply/access/route-settings';
import { resolveConfig } from '../../../schemas/resolve-config';

const settings = (config: object = {}) => routeSettings(resolveConfig(config));

describe('links of a job', () => {
  it.each([
    ['/reports', '/reports?async-id=ID'],
    ['/reports?x=1&y', '/reports?async-id=ID'],
    ['//evil.example/x', '/evil.example/x?async-id=ID'],
    ['///', '/?async-id=ID'],
    ['/\\evil.example/x', '/evil.example/x?async-id=ID'],
    ['\\/\\evil.example', '/evil.example?async-id=ID'],
    ['/a%2Fb//c', '/a%2Fb//c?async-id=ID'],
  ])('of a request for %s are under %s', (uri, status) => {
    expect(jobLinks('ID', uri, settings())).toEqual({ status, result: `${status}&async-view=result` });
  });

  it('follow status_url where there is one', () => {
    expect(jobLinks('ID', '/x', settings({ status_url: '/jobs/{id}' }))).toEqual({
      status: '/jobs/ID',
      result: '/jobs/ID/result',
    });
  });

  it('are left out where the route does not take GET', () => {
    expect(hasLinks(settings(), ['POST'])).toBe(false);
    expect(hasLinks(settings(), ['POST', 'GET'])).toBe(true);
    expect(hasLinks(settings(), undefined)).toBe(true);
    expect(hasLinks(settings({ status_url: '/jobs/{id}' }), ['POST'])).toBe(true);
  });
});
