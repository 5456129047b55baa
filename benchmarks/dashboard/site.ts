// Owns: a dashboard over a seeded ledger in a process of its own, that is told of an event as a validator would be. Does not own: what is
// measured of it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { publishRounds } from '../../src/dashboard/rounds/page.js';
import { toHex, u32le } from '../../src/model/bytes.js';
import { systemClock } from '../../src/model/clock.js';
import { sha256 } from '../../src/model/hash.js';
import { toHotkey } from '../../src/model/ids.js';
import { outcomeOf } from '../../tests/support/dashboard-values.js';
import { openSeededDashboard, type SeededDashboard } from '../../tests/support/seeded-dashboard.js';
import { type SeededSubnet, seedLedger } from '../../tests/support/seeded-ledger.js';

/** A day at the main network's tempo, five events an epoch. */
export const MINERS = 4096;
export const EPOCHS = 20;
/** An event is judged in about a minute. */
const JUDGED_S = 60;
const BLOCK_S = 12;

export type Ask =
  | { readonly ask: 'news' }
  | { readonly ask: 'cpu'; readonly seconds: number; readonly live: boolean };

export interface Ready {
  readonly url: string;
  readonly hotkey: string;
  readonly outcomes: number;
  readonly readMs: number;
  readonly heapMb: number;
}

if (process.argv[2] === '--serve' && process.send) await serve(process.argv[3]!);
if (process.argv[2] === '--bare' && process.send) await serveBare();

async function serve(data: string): Promise<void> {
  const seeded = await seedLedger(data, { miners: MINERS, epochs: EPOCHS });
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const at = performance.now();
  let now = Date.UTC(2026, 10, 2);
  const site = await openSeededDashboard(data, seeded, { now: () => now });
  const readMs = performance.now() - at;
  globalThis.gc?.();
  const ready: Ready = {
    url: site.url,
    hotkey: seeded.hotkeys[7]!,
    outcomes: seeded.outcomes,
    readMs,
    heapMb: (process.memoryUsage().heapUsed - before) / 1e6,
  };
  process.send!(ready);
  process.once('disconnect', () => process.exit(0));
  process.on('message', (message: Ask) => {
    if (message.ask === 'news') {
      now += 10_000; // rows are made anew after two seconds
      tell(site, seeded, 1);
      process.send!({ done: true });
    } else if (message.ask === 'cpu')
      void underLoad(site, seeded, message).then((share) => process.send!({ share }));
  });
}

let told = 0;
/** The next outcomes of an event after those that were seeded. */
function tell(
  { fold }: SeededDashboard,
  { hotkeys, writer, firstEpoch, firstBlock }: SeededSubnet,
  count: number,
): void {
  for (let i = 0; i < count; i++, told++)
    fold.outcome?.(
      outcomeOf(hotkeys[told % hotkeys.length]!, 0, {
        id: toHex(sha256(u32le(told)).subarray(0, 16)),
        event: 'ff'.repeat(32),
        eventBlock: firstBlock + EPOCHS * 360,
        epoch: firstEpoch + EPOCHS,
        validator: toHotkey(writer.keypair.address),
        at: Date.UTC(2026, 10, 2) + told,
      }),
    );
}

/** Share of a core while verdicts come at the rate of a full event, whoever listens. @param live whether open pages are told */
async function underLoad(
  site: SeededDashboard,
  seeded: SeededSubnet,
  { seconds, live }: { seconds: number; live: boolean },
): Promise<number> {
  const stop = new AbortController();
  const { hub, book, pages } = site;
  const telling = live
    ? publishRounds({ book, hub, pages, clock: systemClock }, stop.signal).catch(() => {})
    : undefined;
  const perTick = MINERS / JUDGED_S / 10;
  let owed = 0;
  const ticks = setInterval(() => {
    owed += perTick;
    tell(site, seeded, Math.floor(owed));
    owed %= 1;
  }, 100);
  const heads = setInterval(() => live && site.head(), BLOCK_S * 1000);
  const from = process.cpuUsage();
  const at = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const { user, system } = process.cpuUsage(from);
  const share = (user + system) / 1000 / (performance.now() - at);
  clearInterval(ticks);
  clearInterval(heads);
  stop.abort();
  await telling;
  return share;
}

/** Node's own server: whatever it is told to give, and a stream that is written `bytes` once a second. */
async function serveBare(): Promise<void> {
  let page: { readonly body: Buffer; readonly headers: Record<string, string> } | undefined;
  const streams = new Set<import('node:http').ServerResponse>();
  const server = createServer((request, response) => {
    if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(':\n\n');
      streams.add(response);
      response.on('close', () => streams.delete(response));
      return;
    }
    response.writeHead(page ? 200 : 404, page?.headers);
    response.end(page?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.send!({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
  process.once('disconnect', () => process.exit(0));
  process.on(
    'message',
    async (message: {
      body?: string;
      headers?: Record<string, string>;
      seconds?: number;
      bytes?: number;
    }) => {
      if (message.body !== undefined) {
        page = { body: Buffer.from(message.body, 'base64'), headers: message.headers ?? {} };
        process.send!({ done: true });
        return;
      }
      const event = Buffer.from(`event: rounds\ndata: ${'x'.repeat(message.bytes ?? 0)}\n\n`);
      const each = setInterval(() => {
        for (const stream of streams) stream.write(event);
      }, 1000);
      const from = process.cpuUsage();
      const at = performance.now();
      await new Promise((resolve) => setTimeout(resolve, message.seconds! * 1000));
      const { user, system } = process.cpuUsage(from);
      clearInterval(each);
      process.send!({ share: (user + system) / 1000 / (performance.now() - at) });
    },
  );
}
