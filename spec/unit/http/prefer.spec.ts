import { prefersAsync } from '../../../plugins/async-request-reply/http/prefer';

describe('Prefer', () => {
  it.each([
    [['respond-async']],
    [['Respond-Async']],
    [['wait=10, respond-async']],
    [['return=minimal', 'respond-async; foo="a,b"']],
    [['foo="a, \\" b", respond-async']],
    [[' respond-async , wait=1']],
  ])('%j asks for an answer at once', (values) => {
    expect(prefersAsync(values)).toBe(true);
  });

  it.each([
    [[]],
    [['wait=10']],
    [['foo="respond-async"']],
    [['respond-asynchronous']],
    [['foo; respond-async']],
    [['']],
    [[',,']],
  ])('%j does not', (values) => {
    expect(prefersAsync(values)).toBe(false);
  });
});
