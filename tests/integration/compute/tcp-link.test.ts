import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { PullTicket, Segment, ServeShape } from '../../../src/compute/link.js';
import { contentLeaf, digestLeaves, LEAF_BYTES } from '../../../src/compute/spec/link.js';
import { encodeHello, HELLO_BYTES, NONCE_BYTES } from '../../../src/compute/tcp/frames.js';
import { openTcpLink, type TcpLink, type TcpLinkOptions } from '../../../src/compute/tcp/link.js';
import { ed25519FromSeed } from '../../../src/model/ed25519.js';
import { createHandClock, type HandClock } from '../../support/hand-clock.js';

const of = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const SHAPE: ServeShape = { segmentLeaves: 4, maxSegments: 6, capBytesPerS: 1e9, forMs: 3000 };
const TICKET = { ticket: of(3), pass: of(4), key: of(5) };
/** time that a test lets pass is not the network's */
const PATIENT = { limits: { connectMs: 1e9 } };
const UNHURRIED = { leftMs: () => Number.POSITIVE_INFINITY };

const stop = { all: new AbortController() };
const opened: TcpLink[] = [];
afterEach(async () => {
  stop.all.abort();
  await Promise.all(opened.map(({ closed }) => closed));
  opened.length = 0;
  stop.all = new AbortController();
});

async function open(clock: HandClock, name: number, options: Partial<TcpLinkOptions> = {}): Promise<TcpLink> {
  const key = ed25519FromSeed(of(name));
  const link = await openTcpLink({ clock, key }, { host: '127.0.0.1', port: 0, ...options }, stop.all.signal);
  opened.push(link);
  return link;
}

const ticketTo = (source: TcpLink, other: Partial<PullTicket> = {}): PullTicket => ({
  ...TICKET,
  linkKey: source.offer.linkKey,
  host: '127.0.0.1',
  port: source.offer.port,
  ...other,
});

async function pull(by: TcpLink, ticket: PullTicket, pace = UNHURRIED, shape = SHAPE) {
  const segments: Segment[] = [];
  const end = await by.pull(ticket, shape, pace, (segment) => void segments.push(segment), stop.all.signal);
  return { end, segments };
}

/** A receiver of our own making, up to its hello. */
async function dial(source: TcpLink): Promise<{ socket: Socket; nonce: Uint8Array }> {
  const socket = connect(source.offer.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'readable');
  return { socket, nonce: socket.read(NONCE_BYTES) };
}

/** Moves time on until `promise` settles: where the moment does not matter, only that it comes. */
async function passing<T>(clock: HandClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const mark = () => {
    settled = true;
  };
  promise.then(mark, mark);
  while (!settled) {
    clock.advance(100);
    await new Promise(setImmediate);
  }
  return promise;
}

async function bytesUntilClose(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
  return bytes;
}

describe('a link over TCP', () => {
  test('brings the content of the key, segment by segment, to the cap and no further', async () => {
    const clock = createHandClock();
    const [source, receiver] = [await open(clock, 1), await open(clock, 2)];
    source.serve([TICKET], SHAPE, stop.all.signal);
    const { end, segments } = await pull(receiver, ticketTo(source), UNHURRIED, {
      ...SHAPE,
      maxSegments: 99,
    });
    expect(end).toBe('ended');
    expect(segments).toHaveLength(6);
    const expected = new Uint8Array(4 * 32);
    for (let leaf = 0; leaf < 4; leaf++) digestLeaves(contentLeaf(TICKET.key, 8 + leaf), expected, 32 * leaf);
    expect(segments[2].digests).toEqual(expected);
  });

  test('serves a ticket once, to nobody without its pass, and none that it was not told of', async () => {
    const clock = createHandClock();
    const [source, receiver] = [await open(clock, 1), await open(clock, 2, PATIENT)];
    source.serve([TICKET], SHAPE, stop.all.signal);
    expect((await pull(receiver, ticketTo(source, { pass: of(9) }))).end).toBe('refused');
    expect((await pull(receiver, ticketTo(source))).end).toBe('complete');
    expect((await pull(receiver, ticketTo(source))).end).toBe('refused');
    // told again, it is still used: a replayed Go brings nothing
    source.serve([TICKET], SHAPE, stop.all.signal);
    expect((await pull(receiver, ticketTo(source))).end).toBe('refused');
    const forged = pull(receiver, ticketTo(source, { ticket: of(8) }));
    expect((await passing(clock, forged)).end).toBe('refused');
  });

  test('does not take a hello that was heard on another connection', async () => {
    const clock = createHandClock();
    const source = await open(clock, 1);
    source.serve([TICKET], SHAPE, stop.all.signal);
    const first = await dial(source);
    const second = await dial(source);
    second.socket.write(encodeHello(TICKET.ticket, TICKET.pass, first.nonce));
    expect(await bytesUntilClose(second.socket)).toBe(0);
    first.socket.destroy();
  });

  test('waits for a ticket whose Go is behind', async () => {
    const clock = createHandClock();
    const [source, receiver] = [await open(clock, 1), await open(clock, 2)];
    const early = pull(receiver, ticketTo(source));
    await new Promise((resolve) => setTimeout(resolve, 0));
    source.serve([TICKET], SHAPE, stop.all.signal);
    expect((await early).end).toBe('complete');
  });

  test('voids a ticket when its round is over', async () => {
    const clock = createHandClock();
    const [source, receiver] = [await open(clock, 1), await open(clock, 2, PATIENT)];
    source.serve([TICKET], SHAPE, stop.all.signal);
    clock.advance(3000);
    await new Promise(setImmediate);
    expect((await passing(clock, pull(receiver, ticketTo(source)))).end).toBe('refused');
  });

  test('sends no faster than the cap', async () => {
    const clock = createHandClock();
    const source = await open(clock, 1);
    const segment = SHAPE.segmentLeaves * LEAF_BYTES;
    // one segment a second
    source.serve([TICKET], { ...SHAPE, capBytesPerS: segment, forMs: 60_000 }, stop.all.signal);
    const { socket, nonce } = await dial(source);
    socket.write(encodeHello(TICKET.ticket, TICKET.pass, nonce));
    socket.write(new Uint8Array(100).fill(255));
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    const settle = async (segments: number) => {
      while (bytes < segments * (segment + 64)) await new Promise(setImmediate);
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      return bytes / (segment + 64);
    };
    expect(await settle(1)).toBe(1);
    clock.advance(1000);
    expect(await settle(2)).toBe(2);
    clock.advance(1000);
    expect(await settle(3)).toBe(3);
    socket.destroy();
  });

  test('holds little for a receiver that does not read, and lets go of it at the end of the round', async () => {
    const clock = createHandClock();
    const source = await open(clock, 1);
    const large = { ...SHAPE, segmentLeaves: 64, maxSegments: 4000, capBytesPerS: 1e12 }; // a gigabyte
    source.serve([TICKET], large, stop.all.signal);
    const { socket, nonce } = await dial(source);
    socket.pause();
    socket.write(encodeHello(TICKET.ticket, TICKET.pass, nonce));
    socket.write(new Uint8Array(100).fill(255));
    const before = process.memoryUsage().rss;
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    expect(process.memoryUsage().rss - before).toBeLessThan(64e6);
    clock.advance(3000);
    expect(await bytesUntilClose(socket)).toBeLessThan(32e6);
  });

  test('holds few strangers, and fewer from one address', async () => {
    const clock = createHandClock();
    const source = await open(clock, 1, { limits: { strangersPerAddress: 4 } });
    const dialled = [];
    for (let i = 0; i < 10; i++) dialled.push(await dial(source));
    for (const { socket } of dialled) socket.resume();
    await Promise.all(dialled.slice(0, 6).map(({ socket }) => socket.closed || once(socket, 'close')));
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(dialled.map(({ socket }) => socket.closed)).toEqual([
      ...new Array(6).fill(true),
      ...new Array(4).fill(false),
    ]);
    // who says nothing goes
    clock.advance(2000);
    await Promise.all(dialled.slice(6).map(({ socket }) => socket.closed || once(socket, 'close')));
  });

  test('drops whoever says something else', async () => {
    const clock = createHandClock();
    const source = await open(clock, 1);
    source.serve([TICKET], SHAPE, stop.all.signal);
    const { socket } = await dial(source);
    socket.end(new Uint8Array(HELLO_BYTES - 1));
    expect(await bytesUntilClose(socket)).toBe(0);
  });

  test('counts nothing of a source whose signatures are not of the key that the validator named', async () => {
    const clock = createHandClock();
    const [source, receiver] = [await open(clock, 1), await open(clock, 2)];
    source.serve([TICKET], SHAPE, stop.all.signal);
    const linkKey = ed25519FromSeed(of(7)).publicKey;
    expect(await pull(receiver, ticketTo(source, { linkKey }))).toEqual({
      end: 'bad-signature',
      segments: [],
    });
  });

  test('counts nothing that comes when its own time is over', async () => {
    const clock = createHandClock();
    const [source, receiver] = [await open(clock, 1), await open(clock, 2)];
    const segment = SHAPE.segmentLeaves * LEAF_BYTES;
    source.serve([TICKET], { ...SHAPE, capBytesPerS: segment }, stop.all.signal);
    const until = clock.monotonic() + 1500;
    const segments: Segment[] = [];
    const pulling = receiver.pull(
      ticketTo(source),
      SHAPE,
      { leftMs: () => until - clock.monotonic() },
      (each) => void segments.push(each),
      stop.all.signal,
    );
    while (segments.length < 1) await new Promise(setImmediate);
    clock.advance(1000);
    while (segments.length < 2) await new Promise(setImmediate);
    clock.advance(500);
    expect(await pulling).toBe('over');
    clock.advance(5000);
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    expect(segments).toHaveLength(2);
  });

  test('says so when nobody listens, or the address is none', async () => {
    const clock = createHandClock();
    const receiver = await open(clock, 2);
    const gone = await openTcpLink(
      { clock, key: ed25519FromSeed(of(1)) },
      { host: '127.0.0.1', port: 0 },
      AbortSignal.any([stop.all.signal]),
    );
    opened.push(gone);
    expect((await pull(receiver, ticketTo(gone, { host: 'localhost' }))).end).toBe('unreachable');
    expect((await pull(receiver, ticketTo(gone, { host: '127.0.0.99', port: 1 }))).end).toBe('unreachable');
  });

  test('refuses to listen where somebody does', async () => {
    const clock = createHandClock();
    const source = await open(clock, 1);
    await expect(open(clock, 2, { port: source.offer.port })).rejects.toMatchObject({ code: 'unreachable' });
  });
});
