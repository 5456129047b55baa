// Owns: what every transport must do, as vitest tests: `wireConformance('mine', (clock, limits) => createMine(...))`.
// The only files of testing that need vitest at run time are those of conformance/.
import { create } from '@bufbuild/protobuf';
import { afterEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../model/clock.js';
import { systemClock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { toHotkey } from '../../model/ids.js';
import { isRefusal } from '../../protocol/errors.js';
import { type Signed, SignedSchema } from '../../protocol/gen/assay/v1/miner_pb.js';
import { DEFAULT_LIMITS, type Limits } from '../../protocol/limits.js';
import type { Wire, WireChannel, WireHandlers, WireStream } from '../../protocol/wire.js';

export type MakeWire = (options: { clock: Clock; limits?: Partial<Limits> }) => Wire;

const message = (n: number, bytes = 8): Signed =>
  create(SignedSchema, {
    header: Uint8Array.of(n & 255, (n >> 8) & 255),
    signature: Uint8Array.of(7),
    body: new Uint8Array(bytes).fill(n & 255),
  });
const numberOf = (m: Signed): number => m.header[0]! + m.header[1]! * 256;

const PEER = toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');

const echo: WireHandlers = {
  describe: async (arrived) => arrived.message,
  async prove(stream) {
    for (let got = await stream.receive(); got; got = await stream.receive()) await stream.send(got.message);
  },
};

/** The AssayError that `promise` rejects with. */
async function failure(promise: Promise<unknown>): Promise<AssayError> {
  const error = await promise.then(
    (value) => expect.fail(`resolved with ${String(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AssayError);
  return error as AssayError;
}

export function wireConformance(name: string, makeWire: MakeWire): void {
  describe(`wire: ${name}`, () => {
    const cleanups: (() => Promise<void> | void)[] = [];
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    async function open(
      handlers: Partial<WireHandlers>,
      options: { clock?: Clock; limits?: Partial<Limits> } = {},
    ): Promise<{
      wire: Wire;
      channel: WireChannel;
      address: { host: string; port: number };
      close(): Promise<void>;
    }> {
      const { clock = systemClock, limits } = options;
      const wire = makeWire(limits ? { clock, limits } : { clock });
      const { describe: answer, prove } = { ...echo, ...handlers };
      // as the door does: whoever is not admitted soon loses its connection
      const listener = await wire.listen(
        { host: '127.0.0.1', port: 0 },
        {
          async describe(arrived, origin) {
            origin.admitted(PEER);
            return answer(arrived, origin);
          },
          async prove(stream, origin) {
            origin.admitted(PEER);
            return prove(stream, origin);
          },
        },
      );
      const address = { host: listener.host, port: listener.port };
      const channel = wire.connect(address);
      let closing: Promise<void> | undefined;
      const close = () => {
        closing ??= listener.close();
        return closing;
      };
      cleanups.push(close, () => channel.close());
      return { wire, channel, address, close };
    }

    test('carries a call and its answer, every field as it was', async () => {
      const { channel } = await open({});
      const sent = create(SignedSchema, {
        header: Uint8Array.of(1, 2),
        signature: Uint8Array.of(3),
        body: Uint8Array.of(4, 5, 6),
        certificate: Uint8Array.of(9),
      });
      const { message: got } = await channel.describe(sent, 5000);
      expect([got.header, got.signature, got.body, got.certificate]).toEqual([
        Uint8Array.of(1, 2),
        Uint8Array.of(3),
        Uint8Array.of(4, 5, 6),
        Uint8Array.of(9),
      ]);
    });

    test('tells a caller the code, reason and numbers of a refusal', async () => {
      const { channel } = await open({
        describe: async () => {
          throw new AssayError('unauthenticated', 'no', { reason: 'skew', skewMs: -42_000 });
        },
      });
      const error = await failure(channel.describe(message(1), 5000));
      expect(error.code).toBe('unauthenticated');
      expect(error.data).toEqual({ reason: 'skew', skewMs: -42_000 });
      expect(isRefusal(error)).toBe(true);
    });

    test('says nothing about an error that is a bug', async () => {
      const { channel } = await open({
        describe: async () => {
          throw new Error('secret path /home/x');
        },
      });
      const error = await failure(channel.describe(message(1), 5000));
      expect(error.code).toBe('refused');
      expect(error.data).toEqual({ reason: 'internal' });
      expect(error.message).not.toContain('secret');
    });

    test('fails with unreachable where nobody listens, calls and streams', async () => {
      const { channel, close } = await open({});
      await close();
      expect((await failure(channel.describe(message(1), 5000))).code).toBe('unreachable');
      const stream = channel.prove();
      stream.send(message(0)).catch(() => {});
      expect((await failure(stream.receive())).code).toBe('unreachable');
      await stream.closed;
      expect((await failure(stream.send(message(1)))).code).toBe('unreachable');
    });

    test("tells of the caller's trace what has the form of one, and nothing else", async () => {
      const told: unknown[] = [];
      const { channel } = await open({
        async prove(stream, origin) {
          told.push(origin.traceparent);
          while (await stream.receive()) await stream.send(message(1));
        },
      });
      const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
      for (const given of [trace, `${trace}-more`, 'x'.repeat(55), undefined]) {
        const stream = channel.prove(given);
        await stream.send(message(0));
        await stream.receive();
        stream.end();
        await stream.closed;
      }
      expect(told).toEqual([trace, undefined, undefined, undefined]);
    });

    test('an address is told, and admitting a call once more changes nothing', async () => {
      const addresses = new Set<string>();
      const { channel } = await open({
        async describe({ message }, origin) {
          addresses.add(origin.address);
          origin.admitted(PEER);
          return message;
        },
        async prove(stream, origin) {
          addresses.add(origin.address);
          while (await stream.receive()) {
            origin.admitted(PEER);
            await stream.send(message(1));
          }
        },
      });
      const stream = channel.prove();
      for (let i = 0; i < 3; i++) {
        await stream.send(message(0));
        expect(numberOf((await stream.receive())!.message)).toBe(1);
        await channel.describe(message(1), 5000);
      }
      expect(addresses.size).toBe(1);
      expect([...addresses][0]).not.toBe('');
      stream.end();
      expect(await stream.receive()).toBeUndefined();
    });

    test('passes a deadline', async () => {
      const { channel } = await open({ describe: () => new Promise(() => {}) });
      const error = await failure(channel.describe(message(1), 30));
      expect(error.code).toBe('timeout');
      expect(error.data).toEqual({ what: 'describe', afterMs: 30 });
      expect(isRefusal(error)).toBe(false);
    });

    test('stops a call when its signal aborts, before or during', async () => {
      const { channel } = await open({ describe: () => new Promise(() => {}) });
      expect((await failure(channel.describe(message(1), 5000, AbortSignal.abort()))).data).toEqual({
        reason: 'cancelled',
      });
      const abort = new AbortController();
      const call = failure(channel.describe(message(1), 5000, abort.signal));
      abort.abort();
      expect((await call).data).toEqual({ reason: 'cancelled' });
    });

    test('keeps the order of a stream both ways, and ends in good order', async () => {
      const { channel } = await open({});
      const stream = channel.prove();
      const got: number[] = [];
      const reading = (async () => {
        for (let m = await stream.receive(); m; m = await stream.receive()) got.push(numberOf(m.message));
      })();
      for (let i = 0; i < 300; i++) await stream.send(message(i));
      stream.end();
      await reading;
      expect(got).toEqual(Array.from({ length: 300 }, (_, i) => i));
      expect(await stream.receive()).toBeUndefined();
      await stream.closed;
    });

    test('half-close: the listening end may go on sending', async () => {
      const { channel } = await open({
        async prove(stream) {
          while (await stream.receive());
          for (let i = 0; i < 3; i++) await stream.send(message(i));
        },
      });
      const stream = channel.prove();
      await stream.send(message(9));
      stream.end();
      const got = [await stream.receive(), await stream.receive(), await stream.receive()];
      expect(got.map((m) => numberOf(m!.message))).toEqual([0, 1, 2]);
      expect(await stream.receive()).toBeUndefined();
    });

    test('a listening end that returns ends the stream, and sending into it fails', async () => {
      const { channel } = await open({ prove: async (stream) => void (await stream.receive()) });
      const stream = channel.prove();
      await stream.send(message(0));
      expect(await stream.receive()).toBeUndefined();
      await stream.closed;
      expect((await failure(stream.send(message(1)))).data).toEqual({ reason: 'ended' });
    });

    test('what arrived before the end can be taken after it', async () => {
      const { channel } = await open({
        async prove(stream) {
          await stream.receive();
          await stream.send(message(1));
          await stream.send(message(2));
        },
      });
      const stream = channel.prove();
      await stream.send(message(0));
      await stream.closed;
      expect(numberOf((await stream.receive())!.message)).toBe(1);
      expect(numberOf((await stream.receive())!.message)).toBe(2);
      expect(await stream.receive()).toBeUndefined();
    });

    test('a listening end that rejects refuses the stream with its code', async () => {
      const { channel } = await open({
        async prove() {
          throw new AssayError('permission-denied', 'no', { reason: 'not-admitted' });
        },
      });
      const stream = channel.prove();
      stream.send(message(0)).catch(() => {});
      const error = await failure(stream.receive());
      expect(error.code).toBe('permission-denied');
      expect(error.data).toEqual({ reason: 'not-admitted' });
      expect(isRefusal(error)).toBe(true);
    });

    test('cancel by the dialling end breaks both', async () => {
      let told: (error: unknown) => void = () => {};
      const broken = new Promise((resolve) => {
        told = resolve;
      });
      const { channel } = await open({
        async prove(stream) {
          await stream.receive();
          await stream.send(message(1));
          await stream.receive().catch((error: unknown) => {
            told(error);
            throw error;
          });
        },
      });
      const stream = channel.prove();
      await stream.send(message(0));
      await stream.receive();
      const pending = failure(stream.receive());
      stream.cancel();
      expect((await pending).data).toEqual({ reason: 'cancelled' });
      expect((await failure(stream.receive())).data).toEqual({ reason: 'cancelled' });
      expect((await failure(stream.send(message(2)))).data).toEqual({ reason: 'cancelled' });
      expect(((await broken) as AssayError).code).toBe('unreachable');
      await stream.closed;
    });

    test('cancel by the listening end tells the dialling end why', async () => {
      const { channel } = await open({
        async prove(stream) {
          await stream.receive();
          stream.cancel(new AssayError('timeout', 'late', { what: 'frame', afterMs: 7 }));
          await stream.receive().catch(() => {});
        },
      });
      const stream = channel.prove();
      await stream.send(message(0));
      const error = await failure(stream.receive());
      expect([error.code, error.data]).toEqual(['timeout', { what: 'frame', afterMs: 7 }]);
    });

    test('a message over the limit is refused at the sender, either way, and the channel lives on', async () => {
      const limits = { requestBytes: 4096, responseBytes: 8192 };
      const { channel } = await open(
        {
          describe: async () => message(1, 9000),
          async prove(stream) {
            await stream.receive();
            await stream.send(message(1, 8000));
          },
        },
        { limits },
      );
      const tooLong = await failure(channel.describe(message(1, 5000), 5000));
      expect([tooLong.code, (tooLong as AssayError<'limit-exceeded'>).data.limit]).toEqual([
        'limit-exceeded',
        4096,
      ]);
      const answer = await failure(channel.describe(message(1), 5000));
      expect([answer.code, (answer as AssayError<'limit-exceeded'>).data.limit]).toEqual([
        'limit-exceeded',
        8192,
      ]);
      const stream = channel.prove();
      expect((await failure(stream.send(message(0, 5000)))).code).toBe('limit-exceeded');
      await stream.send(message(0, 4000));
      expect((await stream.receive())!.message.body.length).toBe(8000);
    });

    test('pushes back: a sender waits while nobody takes, and loses nothing', async () => {
      const total = 64;
      let flushed = 0;
      const { channel } = await open({
        async prove(stream) {
          await stream.receive();
          for (let i = 0; i < total; i++) {
            await stream.send(message(i, 256 * 1024));
            flushed++;
          }
        },
      });
      const stream = channel.prove();
      await stream.send(message(0));
      for (let i = 0; i < 100; i++) await channel.describe(message(i), 5000); // time for whatever would flush
      expect(flushed).toBeLessThan(total);
      for (let i = 0; i < total; i++) expect(numberOf((await stream.receive())!.message)).toBe(i);
      expect(await stream.receive()).toBeUndefined();
      expect(flushed).toBe(total);
    });

    test('pushes back on the dialling end too', async () => {
      const total = 64;
      let letGo: () => void = () => {};
      const gate = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      const got: number[] = [];
      const { channel } = await open(
        {
          async prove(stream) {
            await gate;
            for (let m = await stream.receive(); m; m = await stream.receive()) got.push(numberOf(m.message));
          },
        },
        { limits: { requestBytes: 320 * 1024 } },
      );
      const stream = channel.prove();
      let flushed = 0;
      const sending = (async () => {
        for (let i = 0; i < total; i++) {
          await stream.send(message(i, 256 * 1024));
          flushed++;
        }
        stream.end();
      })();
      for (let i = 0; i < 100; i++) await channel.describe(message(i), 5000);
      expect(flushed).toBeLessThan(total);
      letGo();
      await sending;
      expect(await stream.receive()).toBeUndefined();
      expect(got).toEqual(Array.from({ length: total }, (_, i) => i));
    });

    test('stamps arrival when a message comes, not when it is taken', async () => {
      let now = 1000;
      const clock: Clock = { ...systemClock, monotonic: () => now };
      const { channel } = await open(
        {
          async prove(stream) {
            await stream.receive();
            await stream.send(message(1));
            await stream.receive();
          },
        },
        { clock },
      );
      const stream = channel.prove();
      await stream.send(message(0));
      for (let i = 0; i < 100; i++) await channel.describe(message(i), 5000);
      now = 5000;
      expect((await stream.receive())!.at).toBe(1000);
      stream.cancel();
    });

    test('streams do not disturb one another', async () => {
      const { channel } = await open({});
      const one = async (n: number): Promise<void> => {
        const stream = channel.prove();
        if (n % 3 === 0) {
          await stream.send(message(n));
          stream.cancel();
          return;
        }
        for (let i = 0; i < 20; i++) {
          await stream.send(message(n * 100 + i));
          expect(numberOf((await stream.receive())!.message)).toBe(n * 100 + i);
        }
        stream.end();
        expect(await stream.receive()).toBeUndefined();
      };
      await Promise.all(Array.from({ length: 24 }, (_, n) => one(n)));
    });

    test('one caller of receive at a time', async () => {
      const { channel } = await open({});
      const stream = channel.prove();
      await stream.send(message(0));
      await stream.receive();
      const first = failure(stream.receive());
      await expect(stream.receive()).rejects.toThrow(TypeError);
      stream.cancel();
      await first;
    });

    test('closing a listener breaks what is open, waits for handlers, and frees the address', async () => {
      let finished = false;
      const { wire, channel, address, close } = await open({
        async prove(stream) {
          await stream.receive();
          await stream.send(message(1));
          await stream.receive().catch(() => {});
          await new Promise((resolve) => setImmediate(resolve));
          finished = true;
        },
      });
      const stream = channel.prove();
      await stream.send(message(0));
      await stream.receive();
      const pending = failure(stream.receive());
      await close();
      expect(finished).toBe(true);
      expect((await pending).code).toBe('unreachable');
      const again = await wire.listen(address, echo);
      expect(again.port).toBe(address.port);
      await again.close();
    });

    test('an address taken twice is unreachable for the second', async () => {
      const { wire, address } = await open({});
      expect((await failure(wire.listen(address, echo))).code).toBe('unreachable');
    });

    test('closing a channel breaks its calls and streams, and no other', async () => {
      const { wire, channel, address } = await open({ describe: () => new Promise(() => {}) });
      const other = wire.connect(address);
      cleanups.push(() => other.close());
      const streams: WireStream[] = [channel.prove(), other.prove()];
      for (const stream of streams) {
        await stream.send(message(1));
        await stream.receive();
      }
      const call = failure(channel.describe(message(1), 5000));
      const pending = failure(streams[0]!.receive());
      channel.close();
      expect((await call).code).toBe('unreachable');
      expect((await pending).code).toBe('unreachable');
      expect((await failure(channel.describe(message(1), 5000))).code).toBe('unreachable');
      const after = channel.prove();
      expect((await failure(after.send(message(1)))).code).toBe('unreachable');
      expect((await failure(after.receive())).code).toBe('unreachable');
      await after.closed;
      await streams[1]!.send(message(2));
      expect(numberOf((await streams[1]!.receive())!.message)).toBe(2);
    });

    test('an opening piece of the largest size fits', async () => {
      const { channel } = await open({
        describe: async () => message(1, DEFAULT_LIMITS.responseBytes - 1024),
      });
      expect((await channel.describe(message(1), 5000)).message.body.length).toBe(
        DEFAULT_LIMITS.responseBytes - 1024,
      );
    });
  });
}
