// `make demo`: a slow API becomes an asynchronous one, on real parts, to watch. DEMO_ONCE=1 ends after the exchange,
// with status 0 only if all of it was right; otherwise the system stays up until Ctrl-C.
import { runExchange, type Narrator } from './demo/exchange';
import { startDemoSystem } from './demo/system';

const paint = (code: string, text: string): string =>
  process.stdout.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text;

const SHOWN =
  /^(x-async-kong-id|location|retry-after|vary|cache-control|content-type|age|x-demo-upstream|repr-digest|content-length)$/;

const narrator: Narrator = {
  step: (title) => console.log(`\n${paint('1', title)}`),
  request: (text) => console.log(paint('36', `  > ${text}`)),
  response: (response, note) => {
    console.log(paint(response.ok ? '32' : '33', `  < ${String(response.status)} ${response.statusText}`));
    if (response.status !== 202 || note !== undefined) {
      for (const [name, value] of response.headers) {
        if (SHOWN.test(name)) {
          console.log(`  < ${name}: ${value}`);
        }
      }
    }
    if (note !== undefined) {
      console.log(paint('2', `    ${note.trim()}`));
    }
  },
};

async function main(): Promise<void> {
  console.log('Starting Redis, a slow upstream, the gateway, the plugin server and its worker…');
  const system = await startDemoSystem();
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
  });
  try {
    console.log(`The gateway is ${system.gateway}, at ${system.url}.`);
    await runExchange(system.url, narrator);
    console.log(`\n${paint('1', 'All of it was as it should be.')}`);
    if (process.env['DEMO_ONCE'] === '1') {
      return;
    }
    console.log(`
Your turn, until Ctrl-C:
  curl -i ${system.url}/reports/mine?seconds=10 -d '{}'
  curl -i ${system.url}/reports/mine -H 'X-Async-Kong-Id: ID'
  curl -i ${system.url}/jobs/ID
  curl -i -X DELETE ${system.url}/jobs/ID
  curl -i ${system.url}/orders -H 'apikey: alice-demo-key' -d '{}'`);
    await stopped;
  } finally {
    await system.stop();
  }
}

main().catch((error: unknown) => {
  console.error(paint('31', `The demo failed: ${error instanceof Error ? error.message : String(error)}`));
  process.exitCode = 1;
});
