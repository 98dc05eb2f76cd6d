import { scheduleHeaders } from '../../../plugins/async-request-reply/access/submit/schedule-headers';
import { routeSettings } from '../../../plugins/async-request-reply/access/route/route-settings';
import { resolveConfig } from '../../../schemas/resolve-config';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const settings = routeSettings(
  resolveConfig({
    deadline_seconds: 3600,
    queue: { priority_header: 'X-Priority', delay_header: 'X-Start' },
  }),
);
const of = (...headers: [string, string][]) => scheduleHeaders(headers, settings, NOW);

describe('priority', () => {
  test('is 5 without the header', () => {
    expect(of()).toEqual({ priority: 5, delayMs: 0 });
  });

  test.each(['1', '10', ' 7 '])('may be %p', (value) => {
    expect(of(['x-priority', value]).priority).toBe(Number(value));
  });

  test.each(['0', '11', '1.5', '-1', '', 'high', '1e1', '٣'])('may not be %p', (value) => {
    expect(() => of(['x-priority', value])).toThrow(
      expect.objectContaining({ code: 'invalid-priority', status: 400 }) as Error,
    );
  });

  test('may not be given twice', () => {
    expect(() => of(['x-priority', '1'], ['x-priority', '2'])).toThrow('X-Priority');
  });

  test('is not read if the route names no header', () => {
    expect(scheduleHeaders([['x-priority', 'nonsense']], routeSettings(resolveConfig({})), NOW)).toEqual({
      priority: 5,
      delayMs: 0,
    });
  });
});

describe('start time', () => {
  test.each([
    ['0', 0],
    ['90', 90_000],
    ['2026-11-22T12:01:00Z', 60_000],
    ['2026-11-22T13:01:00+01:00', 60_000],
    ['2026-11-22T12:00:00.250Z', 250],
    ['2020-01-01T00:00:00Z', 0],
  ])('%p is a delay of %i ms', (value, delayMs) => {
    expect(of(['x-start', value]).delayMs).toBe(delayMs);
  });

  test.each([
    'soon',
    '-5',
    '1.5',
    '',
    '2026-11-22',
    '2026-11-22T12:00:00',
    '2026-13-40T12:00:00Z',
    '3600',
    '2026-11-22T13:00:00Z',
    '99999999999',
  ])('may not be %p', (value) => {
    expect(() => of(['x-start', value])).toThrow(
      expect.objectContaining({ code: 'invalid-start-time', status: 400 }) as Error,
    );
  });
});
