import { describe, expect, test } from 'vitest';
import type { Compute, Multiplier } from '../../../../src/compute/compute.js';
import { createReferenceCompute } from '../../../../src/compute/cpu/reference.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { acquireOperand } from '../../../../src/verification/kinds/compute/operand.js';
import { paramsByClass } from '../../../../src/verification/kinds/compute/params.js';
import { computeProof } from '../../../../src/verification/kinds/index.js';
import { UNHURRIED } from '../../../../src/verification/proof.js';

const params = { ...paramsByClass('paced')!, n: 16, labels: 8, samples: 8 };
const { signal } = new AbortController();
const basisOf = (name: string): Uint8Array => createSeededRandom(name).bytes(32);

/** A device that really takes turns of the event loop and reuses one buffer: the worst that the seam allows. */
function createSlowDevice(): Compute & { loaded: number; released: number; busy: number } {
  const inner = createReferenceCompute();
  const buffer = new Int32Array(16 * 16);
  const device = {
    name: 'slow',
    loaded: 0,
    released: 0,
    busy: 0,
    async loadOperand(b: Int8Array, n: number): Promise<Multiplier> {
      device.loaded++;
      const multiplier = await inner.loadOperand(b, n);
      return {
        n,
        async multiply(a) {
          expect(++device.busy, 'one call at a time').toBe(1);
          const c = await multiplier.multiply(a);
          await new Promise((resolve) => setImmediate(resolve));
          buffer.set(c);
          device.busy--;
          return buffer.subarray(0, c.length);
        },
        release() {
          device.released++;
        },
      };
    },
  };
  return device;
}

describe('the operand of an epoch', () => {
  test('is packed once for all sessions on a device, which take turns with it', async () => {
    const device = createSlowDevice();
    const random = createSeededRandom('sessions');
    const basis = random.bytes(32);
    await computeProof.prepare!({ compute: device }, params, basis);
    const sessions = Array.from({ length: 4 }, async () => {
      const challenge = { params, basis, seed: random.bytes(32) };
      const proving = await computeProof.prove({ compute: device, ...UNHURRIED }, challenge, signal);
      const request = computeProof.issue(params, [proving.commit], random);
      const opening = await proving.open(request);
      const secret = computeProof.drawSecret(params, basis, random);
      proving.release();
      return computeProof.verify(challenge, { commits: [proving.commit], request, opening }, secret).kind;
    });
    expect(await Promise.all(sessions)).toEqual(['accepted', 'accepted', 'accepted', 'accepted']);
    expect(device).toMatchObject({ loaded: 1, released: 0 });
  });

  test('goes when another has taken its place and its last user has gone', async () => {
    const device = createSlowDevice();
    const first = await acquireOperand(device, basisOf('one'), 16);
    const again = await acquireOperand(device, basisOf('one'), 16);
    const second = await acquireOperand(device, basisOf('two'), 16);
    expect(device).toMatchObject({ loaded: 2, released: 0 });
    first.release();
    first.release(); // twice is once
    await settled();
    expect(device.released).toBe(0);
    again.release();
    await settled();
    expect(device.released).toBe(1);
    second.release();
    await settled();
    expect(device.released, 'the newest stays for the next event').toBe(1);
  });

  test('is packed anew after a device failed to take it', async () => {
    const inner = createReferenceCompute();
    let failures = 1;
    const flaky: Compute = {
      name: 'flaky',
      loadOperand: async (b, n) => {
        if (failures-- > 0) throw new Error('out of memory');
        return inner.loadOperand(b, n);
      },
    };
    await expect(acquireOperand(flaky, basisOf('flaky'), 16)).rejects.toThrow('out of memory');
    await expect(acquireOperand(flaky, basisOf('flaky'), 16)).resolves.toBeDefined();
  });

  test('is not held up by one user that failed', async () => {
    const operand = await acquireOperand(createReferenceCompute(), basisOf('fails'), 16);
    await expect(operand.exclusive(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(await operand.exclusive(async (multiplier) => multiplier.n)).toBe(16);
  });
});

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
