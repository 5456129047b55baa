// Frames between a miner and a host: whatever bytes come, in whatever pieces, within their bounds.
import { PassThrough } from 'node:stream';
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { type Body, openChannel } from '../../../../src/miner/hosts/channel.js';
import { createDesk, readable } from '../../../../src/miner/hosts/desk.js';
import { HOST_LIMITS } from '../../../../src/miner/hosts/limits.js';
import { createRemoteSlot } from '../../../../src/miner/hosts/remote-slot.js';
import { concat, u32le } from '../../../../src/model/bytes.js';
import { HostFrameSchema } from '../../../../src/protocol/gen/assay/v1/hosts_pb.js';
import { createVirtualClock } from '../../../../src/testing/virtual-clock.js';
import fc from '../../../support/properties.js';
import { bytes32 } from '../../../support/sessions.js';

function far(frameBytes = 1024) {
  const stream = new PassThrough({ allowHalfOpen: true });
  const bodies: Body[] = [];
  const ends: string[] = [];
  const channel = openChannel(stream, frameBytes, {
    frame: (body) => void bodies.push(body),
    over: (why) => void ends.push(why),
  });
  return { channel, bodies, ends, put: (bytes: Uint8Array) => stream.emit('data', bytes) };
}
const framed = (bytes: Uint8Array) => concat(u32le(bytes.length), bytes);
const pings = (...ids: number[]) =>
  concat(
    ...ids.map((id) =>
      framed(toBinary(HostFrameSchema, create(HostFrameSchema, { body: { case: 'ping', value: { id } } }))),
    ),
  );

describe('frames', () => {
  test('arrive whole and in order, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 50 }),
        (ids, cuts) => {
          const at = far();
          const bytes = pings(...ids);
          for (let from = 0, i = 0; from < bytes.length; i++) {
            const size = cuts[i % cuts.length]!;
            at.put(bytes.subarray(from, from + size));
            from += size;
          }
          expect(at.bodies.map(({ value }) => 'id' in value && value.id)).toEqual(ids);
          expect(at.ends).toEqual([]);
        },
      ),
      { seed: 9, numRuns: 200 },
    );
  });

  test('of any bytes end the channel or are frames, and never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (bytes, isFramed) => {
        const at = far();
        at.put(isFramed ? framed(bytes) : bytes);
        expect(at.ends.length).toBeLessThanOrEqual(1);
        expect(at.channel.isOver).toBe(at.ends.length === 1);
      }),
      { seed: 9, numRuns: 2_000 },
    );
  });

  test('longer than they may be end it at their length, before a byte of them is kept', () => {
    const at = far(100);
    at.put(u32le(101));
    expect(at.ends).toEqual(['a frame of 101 bytes, at most 100 may come']);
    const none = far();
    none.put(u32le(0));
    expect(none.ends).toEqual(['a frame of 0 bytes, at most 1024 may come']);
  });

  test('that the other end does not read end it', () => {
    const stream = new PassThrough({ highWaterMark: 1, readableHighWaterMark: 1 });
    const ends: string[] = [];
    const channel = openChannel(stream, 1024, { frame: () => {}, over: (why) => void ends.push(why) });
    stream.pause();
    const data = new Uint8Array(HOST_LIMITS.pieceBytes);
    for (let i = 0; i < 40 && !channel.isOver; i++)
      channel.send({ case: 'piece', value: { call: 1, data, last: false } });
    expect(ends).toEqual([expect.stringContaining('bytes that the other end did not read')]);
  });
});

describe('calls to a host', () => {
  function desk() {
    const clock = createVirtualClock();
    const sent: unknown[] = [];
    const made = createDesk({
      clock,
      channel: () => ({ send: (body) => void sent.push(body) }),
      name: 'a',
      address: 'x',
    });
    return { clock, sent, desk: made };
  }
  const options = { answerBytes: 10, withinMs: 1000 };

  test('that is never answered is over in time, and its late answer is nobody’s', async () => {
    const { clock, desk: at } = desk();
    const asked = at.ask('offer', { slot: 0, paramsId: bytes32('p') }, options);
    await expect(clock.runUntil(asked)).rejects.toMatchObject({
      code: 'timeout',
      data: { afterMs: 1000 },
    });
    const late = create(HostFrameSchema, { body: { case: 'done', value: { call: 0 } } }).body as Body;
    expect(at.take(late)).toBe(true);
    const unasked = create(HostFrameSchema, { body: { case: 'done', value: { call: 1 } } }).body as Body;
    expect(() => at.take(unasked)).toThrow('an answer to call 1, which nobody made');
  });

  test('come whole from pieces, of which each brings something', async () => {
    const { clock, desk: at } = desk();
    const asked = at.ask('open', { job: 0, request: new Uint8Array() }, options);
    const piece = (data: number[], last = false) =>
      create(HostFrameSchema, {
        body: { case: 'piece', value: { call: 0, data: Uint8Array.from(data), last } },
      }).body as Body;
    at.take(piece([1, 2]));
    expect(() => at.take(piece([]))).toThrow('a piece of an answer to call 0 without a byte');
    at.take(piece([3]));
    at.take(piece([], true));
    expect(await clock.runUntil(asked)).toEqual(Uint8Array.of(1, 2, 3));
  });

  test('that were given up take no room from later ones: one device that hangs must not cost its host the others', async () => {
    const { clock, desk: at } = desk();
    const ask = () => at.ask('offer', { slot: 0, paramsId: bytes32('p') }, options);
    for (let i = 0; i < 2; i++) {
      const asked = Array.from({ length: HOST_LIMITS.calls }, () =>
        ask().catch((error: { code: string }) => error.code),
      );
      expect(new Set(await clock.runUntil(Promise.all(asked)))).toEqual(new Set(['timeout']));
    }
  });

  test('that hang are bounded in number', async () => {
    const { desk: at } = desk();
    const asked = Array.from({ length: HOST_LIMITS.calls }, () =>
      at.ask('offer', { slot: 0, paramsId: bytes32('p') }, options).catch((error: Error) => error.message),
    );
    await expect(at.ask('offer', { slot: 0, paramsId: bytes32('p') }, options)).rejects.toThrow(
      'a: 256 calls wait for an answer',
    );
    at.end('it went');
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['a: it went']));
  });

  test('are told of in words of one line', () => {
    expect(readable('so\nme\u001b[2Jthing')).toBe('so?me?[2Jthing');
    expect(readable('x'.repeat(1000))).toHaveLength(HOST_LIMITS.reasonChars);
  });

  test('of work that was released tell the host once, and wait no longer', async () => {
    const { sent, desk: at } = desk();
    const claim = { index: 64, worker: 'a', kind: 'toy', paramsId: bytes32('p') };
    const slot = createRemoteSlot({ desk: () => at, clock: createVirtualClock() }, { claim, number: 0 });
    const stop = new AbortController();
    const job = { eventId: bytes32('e'), basis: bytes32('b'), seed: bytes32('s') };
    const started = slot.start(job, stop.signal).catch((error: unknown) => error);
    stop.abort();
    expect(await started).toMatchObject({ code: 'unreachable', message: 'a: the work was released' });
    expect(sent).toEqual([expect.objectContaining({ case: 'start' }), { case: 'end', value: { job: 0 } }]);
  });
});
