import { describe, expect, it } from 'vitest';
import { words16 } from '../../../../src/inference/bf16.js';
import { fromOrdered, toOrdered } from '../../../../src/inference/checkpoint/bf16-order.js';
import {
  type Changes,
  changesBetween,
  createChangeWriter,
  move,
} from '../../../../src/inference/checkpoint/changes.js';
import {
  encodeDelta,
  parseDelta,
  readChanges,
  type StepsFrame,
} from '../../../../src/inference/checkpoint/delta.js';
import { invalid } from '../../../../src/model/invalid-input.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import fc from '../../../support/properties.js';

const ROOTS = { baseRoot: new Uint8Array(32).fill(1), resultRoot: new Uint8Array(32).fill(2) };

const fileOf = (steps: Changes, elements: number, tensor = 0): Uint8Array =>
  encodeDelta({ ...ROOTS, changes: [{ tensor, elements, steps }] });

/** Follows every frame; small buffers, so that a read ends in the middle of a stream. */
function applied(file: Uint8Array, tensors: readonly Uint16Array[]): Uint16Array[] {
  const out = tensors.map((words) => words.slice());
  for (const frame of parseDelta(file).frames) {
    const words = out[frame.tensor];
    if (words === undefined) throw invalid('tensor', 'one that is there', `${frame.tensor}`);
    if (frame.kind === 'steps') followed(frame, words);
    else if (frame.bytes.length !== words.byteLength) throw invalid('raw tensor', 'its size', 'another');
    else words.set(words16(frame.bytes.slice()));
  }
  return out;
}

function followed(frame: StepsFrame, words: Uint16Array): void {
  const reader = readChanges(frame, words.length);
  const [positions, steps] = [new Float64Array(100), new Int32Array(100)];
  for (let n = reader.read(positions, steps); n > 0; n = reader.read(positions, steps))
    move(words, positions, steps, n);
}

const roundTrip = (base: Uint16Array, next: Uint16Array): Uint16Array => {
  const changes = changesBetween(base, next);
  return changes.count === 0 ? base : applied(fileOf(changes, base.length), [base])[0]!;
};

describe('the order of bfloat16', () => {
  it('puts all 65,536 patterns in the order of their values, each once', () => {
    const number = (bits: number): number => new Float32Array(new Uint32Array([bits << 16]).buffer)[0]!;
    const seen = new Uint8Array(65_536);
    for (let ordered = 0; ordered < 65_536; ordered++) {
      const bits = fromOrdered(ordered);
      if (toOrdered(bits) !== ordered) expect(toOrdered(bits)).toBe(ordered); // an expect a pattern would be slow
      seen[bits] = 1;
      if (ordered === 0) continue;
      const [lower, upper] = [number(fromOrdered(ordered - 1)), number(bits)];
      // NaN is at both ends, and compares with nothing
      if (!Number.isNaN(lower) && !Number.isNaN(upper)) expect(lower <= upper).toBe(true);
    }
    expect(seen.every((one) => one === 1)).toBe(true);
  });

  it('steps from one number to its neighbour, through zero, subnormals and infinity', () => {
    expect(toOrdered(0x0000) - toOrdered(0x8000)).toBe(1); // +0 above -0
    expect(toOrdered(0x0001) - toOrdered(0x8001)).toBe(3); // least subnormals
    expect(toOrdered(0x7f80) - toOrdered(0x7f7f)).toBe(1); // infinity above the largest number
    expect(toOrdered(0x7f81) - toOrdered(0x7f80)).toBe(1); // a NaN above infinity
    expect(toOrdered(0xff80)).toBe(127); // 127 payloads of NaN below minus infinity
  });
});

describe('a delta of bfloat16', () => {
  it('brings every pattern to every other of a sample, bit by bit', () => {
    const special = [0x0000, 0x8000, 0x0001, 0x8001, 0x007f, 0x0080, 0x7f7f, 0x7f80, 0x7f81, 0x7fc1, 0x7fff];
    special.push(0xff80, 0xff81, 0xffc0, 0xffff, 0x3f80, 0xbf80);
    const base = Uint16Array.from(special.flatMap((from) => special.map(() => from)));
    const next = Uint16Array.from(special.flatMap(() => special));
    expect(roundTrip(base, next)).toEqual(next);
  });

  it('is lossless on random tensors of every length and density', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.integer({ min: 0, max: 65_535 }), fc.option(fc.integer({ min: 0, max: 65_535 }))),
        ),
        (pairs) => {
          const base = Uint16Array.from(pairs, ([from]) => from);
          const next = Uint16Array.from(pairs, ([from, to]) => to ?? from);
          expect(roundTrip(base, next)).toEqual(next);
        },
      ),
      { seed: 7, numRuns: 300 },
    );
  });

  it('escapes steps beyond 128 up and 127 down', () => {
    const base = Uint16Array.of(0x3f80, 0x3f80, 0x3f80, 0x3f80);
    const next = Uint16Array.of(0x3f80 + 128, 0x3f80 + 129, 0x3f80 - 127, 0x3f80 - 128);
    const changes = changesBetween(base, next);
    expect([...changes.steps]).toEqual([254, 255, 253, 255]);
    expect([...changes.escapes]).toEqual([129, 0, 0x80, 0xff]);
    expect(roundTrip(base, next)).toEqual(next);
  });

  it('has nothing for tensors that are empty or equal', () => {
    expect(changesBetween(new Uint16Array(0), new Uint16Array(0)).count).toBe(0);
    expect(changesBetween(Uint16Array.of(1, 2, 3), Uint16Array.of(1, 2, 3)).count).toBe(0);
    expect(parseDelta(encodeDelta({ ...ROOTS, changes: [] })).frames).toEqual([]);
  });

  it('sees the last element of an odd length, and a single one', () => {
    const [base, next] = [Uint16Array.of(7, 7, 7), Uint16Array.of(7, 7, 8)];
    expect(roundTrip(base, next)).toEqual(next);
    expect(roundTrip(Uint16Array.of(7), Uint16Array.of(9))).toEqual(Uint16Array.of(9));
  });

  it('keeps places around 2^31, 2^32 and near 2^53', () => {
    const places = [0, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 53 - 2];
    const writer = createChangeWriter();
    for (const [i, place] of places.entries()) writer.add(place, i + 1);
    const [frame] = parseDelta(fileOf(writer.finish(), 2 ** 53 - 1)).frames;
    const [positions, steps] = [new Float64Array(16), new Int32Array(16)];
    const reader = readChanges(frame as StepsFrame, 2 ** 53 - 1);
    expect(reader.read(positions, steps)).toBe(places.length);
    expect([...positions.subarray(0, places.length)]).toEqual(places);
    expect([...steps.subarray(0, places.length)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(reader.read(positions, steps)).toBe(0);
    // the same stream for a tensor that ends before its last place
    expect(() => readChanges(frame as StepsFrame, 2 ** 53 - 2).read(positions, steps)).toThrow(/within its/);
  });

  it('takes at most a hundredth more than the entropy of what changed', () => {
    const random = createSeededRandom('density');
    const base = new Uint16Array(1 << 18).fill(0x3c00);
    const next = base.slice();
    let changed = 0;
    const steps = new Map<number, number>();
    const draws = new Uint32Array(random.bytes(4 * next.length).slice().buffer);
    for (let i = 0; i < next.length; i++) {
      if (draws[i]! % 100 !== 0) continue;
      const step = ((draws[i]! >>> 8) % 100 < 85 ? 1 : 2) * (draws[i]! >>> 31 ? 1 : -1);
      next[i]! += step;
      changed++;
      steps.set(step, (steps.get(step) ?? 0) + 1);
    }
    const share = changed / base.length;
    const bits = (p: number): number => -p * Math.log2(p);
    const bound =
      base.length * (bits(share) + bits(1 - share)) +
      changed * [...steps.values()].reduce((sum, count) => sum + bits(count / changed), 0);
    const file = fileOf(changesBetween(base, next), base.length);
    expect(Buffer.compare(Buffer.from(applied(file, [base])[0]!.buffer), Buffer.from(next.buffer))).toBe(0);
    const tables = 700; // what is stated once, not for each change
    expect((file.length - tables) * 8).toBeLessThan(1.01 * bound);
  });

  it('shares tables between tensors of one density, and holds raw tensors beside them', () => {
    const base = [Uint16Array.from({ length: 500 }, (_, i) => i), new Uint16Array(40), Uint16Array.of(1)];
    const next = [base[0]!.map((bits) => bits + (bits % 10 === 0 ? 1 : 0)), base[1]!, Uint16Array.of(2)];
    const raw = new Uint8Array(next[2]!.buffer);
    const steps = changesBetween(base[0]!, next[0]!);
    const changes = [
      { tensor: 0, elements: 500, steps },
      { tensor: 2, raw },
    ];
    expect(applied(encodeDelta({ ...ROOTS, changes }), base)).toEqual(next);
    expect(() => encodeDelta({ ...ROOTS, changes: [...changes].reverse() })).toThrow(/ascending/);
  });
});

describe('a hostile delta', () => {
  const base = Uint16Array.from({ length: 3000 }, (_, i) => (i * 7919) & 0xffff);
  const next = base.map((bits, i) => (i % 9 === 0 ? (bits + (i % 600)) & 0xffff : bits));
  const file = fileOf(changesBetween(base, next), base.length);

  it('is a typed error or another tensor, whichever byte is flipped', () => {
    expect(applied(file, [base])).toEqual([next]);
    for (let at = 0; at < file.length; at++) {
      const bytes = file.slice();
      bytes[at]! ^= 1 << (at % 8);
      let result: Uint16Array[] | undefined;
      try {
        result = applied(bytes, [base, base]);
      } catch (error) {
        expect(error).toMatchObject({ name: 'AssayError' });
        continue;
      }
      const isRoot = at >= 26 && at < 26 + 64;
      if (!isRoot) expect(result[0]).not.toEqual(next);
    }
  });

  it('is a typed error, wherever it is cut', () => {
    for (let length = 0; length < file.length; length++)
      expect(() => parseDelta(file.subarray(0, length))).toThrow(/delta/);
  });

  it('cannot claim more changes than elements, nor sizes beyond its own', () => {
    const [frame] = parseDelta(file).frames as [StepsFrame];
    expect(() => readChanges(frame, frame.count - 1)).toThrow(/at most/);
    expect(() => readChanges({ ...frame, count: frame.count + 1 }, 3000)).not.toThrow();
    const more = { ...frame, count: frame.count + 1 };
    expect(() => followed(more, base.slice())).toThrow(/tensor 0 of delta/);
    const less = { ...frame, count: frame.count - 1 };
    expect(() => followed(less, base.slice())).toThrow(/end with their stream/);
    expect(() => followed({ ...frame, escapes: frame.escapes.subarray(2) }, base.slice())).toThrow(/escapes/);
  });
});
