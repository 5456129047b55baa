// The leaderboard of a full subnet with a day of history: first response, bytes of everything, until it is interactive in a real browser;
// and what a hundred open event streams cost the server. Node's own server with the same bytes beside it, in the same run.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { CHROMIUM, noBrowser } from '../../tests/support/browser.js';
import { EPOCHS, MINERS, type Ready } from './site.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const WARM = 41;
const ANEW = 9;
const VISITS = 9;
const STREAMS = 100;
const LOAD_S = 20;
/** what the row says it is of */
const SUBNET = `${MINERS} miners, ${EPOCHS} epochs`;

export default async function bench(emit: Emit): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-bench-dashboard-'));
  const children: ChildProcess[] = [];
  const row = (metric: string, value: number, unit: string, baseline?: number): void =>
    emit({
      bench: 'dashboard/leaderboard',
      metric,
      value: Math.round(value * 100) / 100,
      unit,
      ...(baseline === undefined ? {} : { baseline: Math.round(baseline * 100) / 100 }),
    });
  try {
    const site = await start<Ready>(children, ['--serve', folder]);
    const bare = await start<{ url: string }>(children, ['--bare']);
    const { url, outcomes, readMs, heapMb } = site.said;
    row(`reading ${outcomes} outcomes at the start`, readMs, 'ms');
    row('heap behind them', heapMb, 'MB');

    const page = `${url}leaderboard/`;
    const { headers, body } = await fetched(page);
    await bare.tell({
      body: body.toString('base64'),
      headers: { 'content-type': 'text/html', 'content-encoding': `${headers['content-encoding']}` },
    });
    row(
      `first response warm, ${SUBNET}, median of ${WARM} (goal 100)`,
      await median(WARM, () => firstByteMs(page)),
      'ms',
      await median(WARM, () => firstByteMs(bare.said.url)),
    );
    row(
      `first response of a page made anew after news, median of ${ANEW}`,
      await median(ANEW, async () => {
        await site.tell({ ask: 'news' });
        return firstByteMs(page);
      }),
      'ms',
    );
    if (noBrowser) {
      console.error(`${noBrowser}: bytes of everything, interactive and streams are not measured`);
      return;
    }
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      headless: true,
      args: ['--no-sandbox'],
    });
    try {
      for (const [what, path] of [
        ['first page', ''],
        ['the longest page that can be asked for', '?rows=500'],
      ]) {
        const ours = await opened(browser, `${page}${path}`);
        row(`bytes of everything, compressed, ${what} (goal 300)`, ours.bytes / 1000, 'kB');
        row(
          `interactive in headless Chromium, ${what}, median of ${VISITS} (goal 1000)`,
          ours.interactiveMs,
          'ms',
          path === '' ? (await opened(browser, bare.said.url)).interactiveMs : undefined,
        );
      }
      await streams({ row, browser, site, bare });
    } finally {
      await browser.close();
    }
  } finally {
    for (const child of children) child.disconnect();
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
    await rm(folder, { recursive: true, force: true });
  }
}

interface Child<T> {
  readonly said: T;
  /** @returns its answer */
  tell(message: object): Promise<{ readonly share?: number }>;
}

async function streams({
  row,
  browser,
  site,
  bare,
}: {
  row(metric: string, value: number, unit: string, baseline?: number): void;
  browser: Browser;
  site: Child<Ready>;
  bare: Child<{ readonly url: string }>;
}): Promise<void> {
  const { url } = site.said;
  const idle = await site.tell({ ask: 'cpu', seconds: LOAD_S, live: false });
  const open = await listenTo(`${url}events?topics=rounds,masthead`, STREAMS - 1);
  const page = await browser.newPage();
  await page.goto(`${url}rounds/`);
  const busy = await site.tell({ ask: 'cpu', seconds: LOAD_S, live: true });
  const seen = await page.locator('[data-live="rounds"] tbody tr').count();
  await page.close();
  const { events, bytes } = open.heard();
  open.close();
  if (seen === 0 || events < (STREAMS - 1) * (LOAD_S / 2))
    throw new Error(
      `${events} events heard on ${STREAMS - 1} streams, ${seen} rows in the browser: nothing was measured`,
    );
  const mean = Math.round(bytes / events);
  const others = await listenTo(`${bare.said.url}events`, STREAMS);
  const plain = await bare.tell({ seconds: LOAD_S, bytes: mean });
  others.close();
  row(
    `${STREAMS} open streams, one of them a browser's, while an event is judged: of a core, beside the same without (goal 5)`,
    100 * (busy.share! - idle.share!),
    '%',
    100 * plain.share!,
  );
  row('an event of a stream', mean / 1000, 'kB');
}

async function listenTo(url: string, count: number) {
  const agent = new Agent({ maxSockets: count });
  const responses: IncomingMessage[] = [];
  let events = 0;
  let bytes = 0;
  await Promise.all(
    Array.from({ length: count }, async () => {
      const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage];
      if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode}`);
      responses.push(response);
      response.on('error', () => {});
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        for (let at = part.indexOf('event: '); at >= 0; at = part.indexOf('event: ', at + 1)) events++;
      });
    }),
  );
  return {
    heard: () => ({ events, bytes }),
    close() {
      for (const response of responses) response.destroy();
      agent.destroy();
    },
  };
}

/** In a profile of its own each time: nothing is cached. */
async function opened(browser: Browser, url: string): Promise<{ bytes: number; interactiveMs: number }> {
  const each: number[] = [];
  let bytes = 0;
  for (let visit = 0; visit < VISITS; visit++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    let received = 0;
    cdp.on('Network.loadingFinished', ({ encodedDataLength }) => {
      received += encodedDataLength;
    });
    await page.goto(url, { waitUntil: 'load' });
    // scripts that are deferred have run by then, and what they add answers
    each.push(
      await page.evaluate(
        () =>
          (
            performance.getEntriesByType('navigation' as never)[0] as unknown as {
              domContentLoadedEventEnd: number;
            }
          ).domContentLoadedEventEnd,
      ),
    );
    bytes = Math.max(bytes, received);
    await context.close();
  }
  return { bytes, interactiveMs: middle(each) };
}

function firstByteMs(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const at = performance.now();
    get(url, { headers: { 'accept-encoding': 'br' }, agent: false }, (response) => {
      response.once('data', () => resolve(performance.now() - at));
      response.on('error', reject);
      response.resume();
    }).on('error', reject);
  });
}

async function fetched(url: string): Promise<{ headers: IncomingMessage['headers']; body: Buffer }> {
  const [response] = (await once(get(url, { headers: { 'accept-encoding': 'br' } }), 'response')) as [
    IncomingMessage,
  ];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode}`);
  return { headers: response.headers, body: Buffer.concat(parts) };
}

async function median(runs: number, one: () => Promise<number>): Promise<number> {
  await one();
  const each: number[] = [];
  for (let i = 0; i < runs; i++) each.push(await one());
  return middle(each);
}

const middle = (each: number[]): number => each.sort((a, b) => a - b)[each.length >> 1]!;

/** A process of site.ts that has said its first message. */
async function start<T>(children: ChildProcess[], args: readonly string[]): Promise<Child<T>> {
  const child = fork(fileURLToPath(new URL('./site.ts', import.meta.url)), args, {
    execArgv: ['--expose-gc', '--import', import.meta.resolve('tsx')],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  children.push(child);
  let answer: (message: unknown) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const next = <M>(): Promise<M> =>
    new Promise((resolve, reject) => {
      [answer, fail] = [resolve as (message: unknown) => void, reject];
    });
  child.on('message', (message) => answer(message));
  child.on('exit', () => fail(new Error(`site.ts ${args[0]} ended`)));
  const said = await next<T>();
  return {
    said,
    tell(message) {
      const heard = next<{ share?: number }>();
      child.send(message);
      return heard;
    },
  };
}
