import { startStack, type Stack, type StackOptions } from './stack';
import { until } from './until';
import { useResources } from './use-resources';

/**
 * One stack for all tests of a `describe` or a file, closed after the last. A test that leaves an upstream response delayed
 * or a connection open fails, and so does a file that leaves a socket, a server or a process.
 */
export function useStack(options: StackOptions): () => Stack {
  let stack: Stack | null = null;

  useResources(async (resources) => {
    stack = await resources.use(startStack(options), (started) => started.close());
  });

  afterEach(() => nothingIsLeft(stack));

  return () => {
    if (stack === null) throw new Error('the stack is there only while tests run');
    return stack;
  };
}

/** Waits until a stack has no leftovers: the other end of a connection may learn a little later that it is over. */
export async function nothingIsLeft(stack: Stack | null): Promise<void> {
  await until('nothing to be left', () => stack === null || stack.leftovers().length === 0, {
    seen: () => stack?.leftovers(),
  });
}
