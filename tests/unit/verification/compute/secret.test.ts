import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createReferenceCompute } from '../../../../src/compute/cpu/reference.js';
import { operandMatrix } from '../../../../src/compute/spec/chain.js';
import { createSeededRandom, type Random } from '../../../../src/model/prng.js';
import { type ComputeParams, paramsByClass } from '../../../../src/verification/kinds/compute/params.js';
import { ComputeSecret } from '../../../../src/verification/kinds/compute/secret.js';
import { computeProof } from '../../../../src/verification/kinds/index.js';
import type { Evidence } from '../../../../src/verification/proof.js';

const paced = paramsByClass('paced')!;
const basis = createSeededRandom('basis').bytes(32);

async function product(n: number, a: Int8Array): Promise<Int32Array> {
  return (await createReferenceCompute().loadOperand(operandMatrix(basis, n), n)).multiply(a);
}

/** Every draw is the largest residue: the sums of the projections are as large as they get. */
const largest: Random = {
  fork: () => largest,
  below: (bound) => bound - 1,
  bytes(length) {
    const out = new Uint8Array(length);
    // 2^26 - 46 is below all three primes
    for (let i = 0; i < length; i += 4) out.set([0xd2, 0xff, 0xff, 0x03], i);
    return out;
  },
};

describe('projections', () => {
  test.each([16, 64, 512, 2048])('hold for a product and for nothing next to it, n=%i', async (n) => {
    const params: ComputeParams = { ...paced, n, projections: 3 };
    const random = createSeededRandom(`projects-${n}`);
    const secret = computeProof.drawSecret(params, basis, random);
    const a = new Int8Array(random.bytes(n));
    const c = (await product(n, a)).slice();
    expect(secret.projects(a, c)).toBe(true);
    for (const change of [1, -1, 255, 2 ** 21, 2 ** 22]) {
      const at = random.below(n);
      c[at] += change;
      expect(secret.projects(a, c), `${change} at ${at}`).toBe(false);
      c[at] -= change;
    }
    const swapped = c.slice().reverse();
    expect(secret.projects(a, swapped)).toBe(false);
    a[0] ^= 1;
    expect(secret.projects(a, c)).toBe(false);
  });

  test('stay exact where every sum is at its largest', async () => {
    const n = 2048;
    const params: ComputeParams = { ...paced, n, projections: 3 };
    const secret = computeProof.drawSecret(params, basis, largest);
    for (const value of [-128, 127]) {
      const a = new Int8Array(n).fill(value);
      const c = (await product(n, a)).slice();
      expect(secret.projects(a, c)).toBe(true);
      // a change with sum zero is what equal residues cannot see; one without is seen
      c[5] += 1;
      expect(secret.projects(a, c)).toBe(false);
    }
  });

  test('ask for c . r = a . y modulo each prime, no more and no less', () => {
    const n = 64;
    const params: ComputeParams = { ...paced, n, projections: 2 };
    // r = (1, 2^20, 2^25, 2^25, ...): so this test can write down differences that each prime does not see
    const known: Random = {
      fork: () => known,
      below: () => 0,
      bytes(length) {
        const out = Buffer.alloc(length);
        for (let i = 0; i < length / 4; i++) out.writeUInt32LE([1, 2 ** 20][i] ?? 2 ** 25, 4 * i);
        return out;
      },
    };
    const secret = computeProof.drawSecret(params, basis, known);
    const withSum = (target: bigint): Int32Array => {
      const c = new Int32Array(n);
      let high = target >> 25n;
      c[0] = Number(target & (2n ** 20n - 1n));
      c[1] = Number((target >> 20n) & 31n);
      for (let k = 2; k < n; k++) {
        const part = high < 2n ** 22n - 1n ? high : 2n ** 22n - 1n;
        c[k] = Number(part);
        high -= part;
      }
      expect(high).toBe(0n);
      return c;
    };
    const p = 2n ** 26n - 5n;
    const q = 2n ** 26n - 27n;
    const zero = new Int8Array(n);
    expect(secret.projects(zero, withSum(0n))).toBe(true);
    expect(secret.projects(zero, withSum(p * q))).toBe(true);
    expect(
      secret.projects(
        zero,
        withSum(p * q).map((x) => -x),
      ),
    ).toBe(true);
    for (const seen of [1n, p, q, p * (q - 1n), (p - 1n) * q, p * q - 1n])
      expect(secret.projects(zero, withSum(seen)), String(seen)).toBe(false);
  });
});

describe('the secret', () => {
  const secret = computeProof.drawSecret(paced, basis, createSeededRandom('secret'));

  test('cannot be written down', () => {
    expect(() => JSON.stringify(secret)).toThrow(TypeError);
    expect(() => JSON.stringify({ deep: [secret] })).toThrow(TypeError);
    expect(Object.entries(secret)).toEqual([]);
    expect(Reflect.ownKeys(secret)).toEqual([]);
    expect({ ...secret }).toEqual({});
    expect(inspect(secret, { depth: 9, showHidden: true })).toBe('ComputeSecret {}');
  });

  test('does not survive being copied or sent to another thread', () => {
    const copy = structuredClone(secret) as ComputeSecret; // a plain object: the type is the lie under test
    const evidence = { commits: [new Uint8Array()], request: new Uint8Array(), opening: new Uint8Array() };
    const challenge = { params: paced, basis, seed: new Uint8Array(32) };
    expect(() => computeProof.verify(challenge, evidence, copy)).toThrow(TypeError);
  });

  test('cannot be made from stored values, nor stored with evidence, by type', () => {
    // @ts-expect-error its constructor is private: drawing is the only way to one
    const draw = (): ComputeSecret => new ComputeSecret(paced, basis, createSeededRandom('x'));
    // @ts-expect-error an object with the same methods is none
    const forged = (): ComputeSecret => ({
      projects: () => true,
      assertFor() {},
      toJSON: () => secret.toJSON(),
    });
    const empty = new Uint8Array();
    // @ts-expect-error evidence has no place for it
    const stored = (): Evidence => ({ commits: [empty], request: empty, opening: empty, secret });
    expect([draw, forged, stored]).toHaveLength(3);
  });

  test('is refused where it was drawn for another operand', () => {
    const evidence = { commits: [new Uint8Array()], request: new Uint8Array(), opening: new Uint8Array() };
    const seed = new Uint8Array(32);
    expect(() => computeProof.verify({ params: paced, basis: seed, seed }, evidence, secret)).toThrow(
      RangeError,
    );
    expect(() => computeProof.verify({ params: { ...paced, n: 64 }, basis, seed }, evidence, secret)).toThrow(
      RangeError,
    );
  });

  test('is drawn from nothing but the randomness handed in', () => {
    let drawn = 0;
    const counting: Random = {
      fork: () => counting,
      below: () => 0,
      bytes(length) {
        drawn += length;
        return createSeededRandom(String(drawn)).bytes(length);
      },
    };
    computeProof.drawSecret(paced, basis, counting);
    expect(drawn).toBeGreaterThanOrEqual(4 * paced.n * paced.projections);
  });
});
