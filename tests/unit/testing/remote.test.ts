// A device behind a loopback socket: what it answers, to whom, and what its death means.
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Slot } from '../../../src/miner/slot.js';
import { toHex, utf8 } from '../../../src/model/bytes.js';
import { connectDevice, serveDevice } from '../../../src/testing/devices/remote.js';
import { bytes32 } from '../../support/sessions.js';
import { TOY_PARAMS_ID } from '../../support/toy-kind.js';

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

const CLAIM = { index: 7, worker: 'host-1', kind: 'toy', paramsId: TOY_PARAMS_ID };
const jobOf = (name: string) => ({
  eventId: bytes32(`event ${name}`),
  basis: bytes32('basis'),
  seed: bytes32(name),
});
/** A session that goes on. */
const lasting = () => new AbortController().signal;

interface Opening {
  readonly request: string;
  answer(bytes: Uint8Array): void;
}

/** A device of one slot whose commit is the job's seed and whose openings are answered by hand. */
async function device(of: Partial<Slot> = {}, at = 0) {
  const stop = new AbortController();
  stops.push(stop);
  const openings: Opening[] = [];
  const arrived = new Set<() => void>();
  const released: string[] = [];
  const prepared: string[] = [];
  const settled = new Set<() => void>();
  const slot: Slot = {
    claim: { ...CLAIM, index: 0 },
    prepare: async (basis) => void prepared.push(toHex(basis)),
    start: async ({ seed }) => ({
      commit: seed,
      open: (request) =>
        new Promise((resolve) => {
          openings.push({ request: toHex(request), answer: resolve });
          for (const tell of arrived) tell();
        }),
      release: () => {
        released.push(toHex(seed));
        for (const tell of settled) tell();
      },
    }),
    ...of,
  };
  const port = await serveDevice([slot], { port: at }, stop.signal);
  const until = (holds: () => boolean, on: Set<() => void>) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!holds()) return;
        on.delete(look);
        resolve();
      };
      on.add(look);
      look();
    });
  return {
    port,
    stop,
    openings,
    released,
    prepared,
    asked: (count: number) => until(() => openings.length >= count, arrived),
    wasReleased: (count: number) => until(() => released.length >= count, settled),
  };
}

describe('a device behind a socket', () => {
  test('does the work of its slot, whatever the miner calls that slot', async () => {
    const { port, prepared, released, wasReleased } = await device();
    const slot = connectDevice(port, 0, CLAIM);
    expect(slot.claim).toBe(CLAIM);
    await slot.prepare?.(bytes32('basis'));
    const proving = await slot.start(jobOf('a'), lasting());
    expect(toHex(proving.commit)).toBe(toHex(bytes32('a')));
    expect(prepared).toEqual([toHex(bytes32('basis'))]);
    expect(released).toEqual([]);
    proving.release();
    await wasReleased(1);
  });

  test('answers two openings of one job each with its own, whichever is ready first', async () => {
    const { port, openings, asked } = await device();
    const proving = await connectDevice(port, 0, CLAIM).start(jobOf('a'), lasting());
    const [first, second] = [proving.open(utf8('1')), proving.open(utf8('2'))];
    await asked(2);
    expect(openings.map(({ request }) => request)).toEqual(['31', '32']);
    openings[1]!.answer(utf8('to the second'));
    openings[0]!.answer(utf8('to the first'));
    expect(toHex(await first)).toBe(toHex(utf8('to the first')));
    expect(toHex(await second)).toBe(toHex(utf8('to the second')));
  });

  test('keeps jobs of one connection, and connections, apart', async () => {
    const { port, openings, asked } = await device();
    const slots = [connectDevice(port, 0, CLAIM), connectDevice(port, 0, CLAIM)];
    const provings = await Promise.all(
      slots.flatMap((slot, i) => ['x', 'y'].map((name) => slot.start(jobOf(`${name}${i}`), lasting()))),
    );
    expect(provings.map(({ commit }) => toHex(commit))).toEqual(
      ['x0', 'y0', 'x1', 'y1'].map((name) => toHex(bytes32(name))),
    );
    const opened = provings.map((proving, i) => proving.open(Uint8Array.of(i)));
    await asked(4);
    for (const { request, answer } of openings) answer(utf8(`answer to ${request}`));
    expect((await Promise.all(opened)).map((bytes) => Buffer.from(bytes).toString())).toEqual(
      [0, 1, 2, 3].map((i) => `answer to 0${i}`),
    );
  });

  test('stops work that is aborted, and says so', async () => {
    let onStopped = () => {};
    const stopped = new Promise<void>((resolve) => {
      onStopped = resolve;
    });
    const { port } = await device({
      start: (_job, at) =>
        new Promise((_resolve, reject) => {
          at.addEventListener('abort', () => {
            onStopped();
            reject(at.reason);
          });
          stop.abort();
        }),
    });
    const stop = new AbortController();
    const started = connectDevice(port, 0, CLAIM).start(jobOf('a'), stop.signal);
    await expect(started).rejects.toMatchObject({ code: 'unreachable' });
    await stopped;
  });

  test('tells why work failed, and goes on', async () => {
    let failing = true;
    const { port } = await device({
      start: async ({ seed }) => {
        if (failing) throw new Error('too hot');
        return { commit: seed, open: async (request) => request, release: () => {} };
      },
    });
    const slot = connectDevice(port, 0, CLAIM);
    await expect(slot.start(jobOf('a'), lasting())).rejects.toMatchObject({
      code: 'unreachable',
      message: `device at 127.0.0.1:${port}: too hot`,
      data: { address: `127.0.0.1:${port}` },
    });
    failing = false;
    expect(toHex((await slot.start(jobOf('b'), lasting())).commit)).toBe(toHex(bytes32('b')));
  });

  test('that lacks the slot is unreachable for it', async () => {
    const { port } = await device();
    await expect(connectDevice(port, 1, CLAIM).start(jobOf('a'), lasting())).rejects.toMatchObject({
      code: 'unreachable',
      message: `device at 127.0.0.1:${port}: no slot 1 for job 0`,
    });
  });
});

describe('the death of a device', () => {
  test('is an error of everything that waits for it', async () => {
    const { port, stop, asked } = await device();
    const proving = await connectDevice(port, 0, CLAIM).start(jobOf('a'), lasting());
    const [first, second] = [proving.open(utf8('1')), proving.open(utf8('2'))].map((opening) =>
      opening.catch((error: unknown) => error),
    );
    await asked(2);
    stop.abort();
    for (const error of await Promise.all([first, second]))
      expect(error).toMatchObject({ code: 'unreachable', data: { address: `127.0.0.1:${port}` } });
  });

  test('leaves nothing to wait for: where nobody listens, starting fails at once', async () => {
    const { port, stop } = await device();
    stop.abort();
    const slot = connectDevice(port, 0, CLAIM);
    await expect(slot.start(jobOf('a'), lasting())).rejects.toMatchObject({ code: 'unreachable' });
    await expect(slot.start(jobOf('b'), lasting())).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('is over when it is started again on its port: the next work goes there', async () => {
    const { port, stop } = await device();
    const slot = connectDevice(port, 0, CLAIM);
    const proving = await slot.start(jobOf('a'), lasting());
    stop.abort();
    await expect(proving.open(utf8('1'))).rejects.toMatchObject({ code: 'unreachable' });
    await device({}, port);
    expect(toHex((await slot.start(jobOf('b'), lasting())).commit)).toBe(toHex(bytes32('b')));
    // what the first one had at work is gone with it
    await expect(proving.open(utf8('1'))).rejects.toMatchObject({
      code: 'unreachable',
      message: `device at 127.0.0.1:${port}: the other end closed it`,
    });
  });

  test('is noticed once: work started anew while the broken socket still closes is not lost with it', async () => {
    const { port } = await device();
    const proxy = await proxyTo(port, { resets: 1 });
    const slot = connectDevice(proxy.port, 0, CLAIM);
    // at once when the error is known: the broken socket's 'close' is still to come
    const proving = await slot.start(jobOf('a'), lasting()).catch(() => slot.start(jobOf('b'), lasting()));
    expect(toHex(proving.commit)).toBe(toHex(bytes32('b')));
    await proxy.close();
  });

  test('of the miner releases what it had at work', async () => {
    const { port, wasReleased } = await device();
    const proxy = await proxyTo(port);
    await connectDevice(proxy.port, 0, CLAIM).start(jobOf('a'), lasting());
    await proxy.close();
    await wasReleased(1);
  });
});

/** A door before the device at `port`; the first `resets` connections break when something comes. */
async function proxyTo(port: number, { resets = 0 } = {}): Promise<{ port: number; close(): Promise<void> }> {
  const sockets: Socket[] = [];
  const proxy = createServer((socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
    if (sockets.length <= resets) {
      socket.once('data', () => socket.resetAndDestroy());
      return;
    }
    const through = connect(port, '127.0.0.1').on('error', () => {});
    sockets.push(through);
    socket.pipe(through).pipe(socket);
  });
  const own = await new Promise<number>((resolve, reject) => {
    proxy.listen(0, '127.0.0.1', () => {
      const address = proxy.address();
      if (address === null || typeof address === 'string')
        reject(new TypeError('proxy: expected a TCP address'));
      else resolve(address.port);
    });
  });
  return {
    port: own,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => proxy.close(() => resolve()));
    },
  };
}

describe('further steps of a device behind a socket', () => {
  const phases = [
    { from: 'go', withinMs: 1000 },
    { from: 'pass', withinMs: 1000 },
  ] as const;

  test('are asked for with what is left of their time, and answered in order', async () => {
    const steps: [string | undefined, number][] = [];
    const { port } = await device({
      start: async ({ seed, brief, place }) => ({
        commit: Uint8Array.of(...seed, ...(brief ?? []), ...(place ?? [])),
        async next({ pass, leftMs }) {
          steps.push([pass && toHex(pass), leftMs()]);
          return Uint8Array.of(steps.length);
        },
        open: async (request) => request,
        release: () => {},
      }),
    });
    const slot = connectDevice(port, 0, CLAIM, { phases });
    expect(slot.phases).toBe(phases);
    const told = { brief: utf8('brief'), place: bytes32('place') };
    const proving = await slot.start({ ...jobOf('a'), ...told }, lasting());
    expect(proving.commit).toHaveLength(32 + 5 + 32);
    const step = (pass: Uint8Array | undefined, ms: number) =>
      proving.next!({ pass, leftMs: () => ms }, lasting());
    expect([
      ...(await step(undefined, Number.POSITIVE_INFINITY)),
      ...(await step(bytes32('pass'), 700)),
    ]).toEqual([1, 2]);
    expect(steps.map(([pass]) => pass)).toEqual([undefined, toHex(bytes32('pass'))]);
    expect(steps[0]![1]).toBe(Number.POSITIVE_INFINITY);
    expect(steps[1]![1]).toBeLessThanOrEqual(700);
  });

  test('of a device that has none are out of reach', async () => {
    const { port } = await device();
    const proving = await connectDevice(port, 0, CLAIM, { phases }).start(jobOf('a'), lasting());
    await expect(proving.next!({ pass: undefined, leftMs: () => 1 }, lasting())).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('has no further step'),
    });
  });
});

describe('what a device offers those that its slot meets', () => {
  test('is asked for at each event', async () => {
    let offers = 0;
    const { port } = await device({ offer: async () => Uint8Array.of(7, ++offers) });
    const slot = connectDevice(port, 0, CLAIM, { meets: true });
    expect([...(await slot.offer!())]).toEqual([7, 1]);
    expect([...(await slot.offer!())]).toEqual([7, 2]);
  });

  test('is nothing of kinds whose slots meet nobody, or of a device without a link', async () => {
    const { port } = await device();
    expect(connectDevice(port, 0, CLAIM).offer).toBeUndefined();
    await expect(connectDevice(port, 0, CLAIM, { meets: true }).offer!()).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('slot 0 offers nothing'),
    });
  });

  test('that fails is an error of that call alone', async () => {
    const offer = () => Promise.reject(new Error('the port is taken'));
    const { port } = await device({ offer });
    const slot = connectDevice(port, 0, CLAIM, { meets: true });
    await expect(slot.offer!()).rejects.toThrow('the port is taken');
    expect((await slot.start(jobOf('a'), lasting())).commit).toHaveLength(32);
  });
});
