// A real Chromium with a page of an origin of its own, from which a spec calls the gateway as a page does: with fetch.
import { accessSync, constants } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { launch, type Browser as Chromium, type Page } from 'puppeteer-core';
import { PATIENCE_MS } from './patience';
import { Releasers } from './stack/releasers';

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome'];

export class Browser {
  readonly #chromium: Chromium;
  readonly #site: Server;
  readonly #releasers: Releasers;

  private constructor(chromium: Chromium, site: Server, releasers: Releasers) {
    this.#chromium = chromium;
    this.#site = site;
    this.#releasers = releasers;
  }

  /** @throws where there is no Chromium; `CHROMIUM_BIN` names one that is not in the PATH. */
  static async start(): Promise<Browser> {
    const releasers = new Releasers();
    try {
      const site = await releasers.use(startSite(), stopSite);
      const launching = launch({
        executablePath: findChromium(),
        headless: true,
        pipe: true,
        timeout: PATIENCE_MS,
        // As root there is no sandbox, and in a container little shared memory.
        args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-background-networking'],
      });
      const chromium = await releasers.use(launching, (started) => started.close());
      return new Browser(chromium, site, releasers);
    } catch (error) {
      await releasers.release();
      throw error;
    }
  }

  /** The origin of the pages: another than the gateway's. */
  origin(host: '127.0.0.1' | 'localhost' = '127.0.0.1'): string {
    return `http://${host}:${(this.#site.address() as AddressInfo).port}`;
  }

  /** A page of that origin. */
  async open(origin = this.origin()): Promise<Page> {
    const page = await this.#chromium.newPage();
    await page.goto(`${origin}/`);
    return page;
  }

  stop(): Promise<void> {
    return this.#releasers.release();
  }
}

async function startSite(): Promise<Server> {
  const site = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>A page</title>');
  });
  await new Promise<void>((resolve, reject) => {
    site.once('error', reject).listen({ port: 0, host: '127.0.0.1' }, resolve);
  });
  return site;
}

async function stopSite(site: Server): Promise<void> {
  site.closeAllConnections();
  await new Promise((resolve) => site.close(resolve));
}

function findChromium(): string {
  const given = process.env['CHROMIUM_BIN'];
  if (given) return given;
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  const files = COMMANDS.flatMap((command) => directories.map((directory) => join(directory, command)));
  const found = files.find(isExecutable);
  if (found === undefined) {
    throw new Error('the specs need chromium in the PATH (or CHROMIUM_BIN): apt-get install chromium');
  }
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
