// Owns: provers of `memory` that lie by what they commit to and open. Most are honest provers on a device that lies.
// Does not own: those that lie by being slow or by keeping bytes elsewhere (attacks/): no byte of theirs is wrong.
import type { Compute } from '../../compute/compute.js';
import type { Labels } from '../../compute/labels.js';
import { createChain, fold } from '../../compute/spec/chain.js';
import { DIGEST_BYTES, DIGESTS_PER_LEAF, digestLeaves, hashDigestLeaf } from '../../compute/spec/digest.js';
import { createPlainLabels } from '../../compute/spec/plain-labels.js';
import { Transcript } from '../../compute/spec/transcript.js';
import { toHex } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { HASH_BYTES } from '../../model/merkle.js';
import { createSeededRandom, type Random, shuffled } from '../../model/prng.js';
import type { Rejection } from '../../model/verdict.js';
import { acquireOperand } from '../../verification/kinds/compute/operand.js';
import { decodeOpening, encodeOpening, type Opening } from '../../verification/kinds/memory/codec.js';
import { blocksOf, type MemoryParams } from '../../verification/kinds/memory/params.js';
import { prove } from '../../verification/kinds/memory/prove.js';
import type { Liar } from '../conformance/proof.js';
import { multiplyRows, plausibleAccumulator } from './compute.js';

export type MemoryLiar = Liar<MemoryParams>;

/** What a device does otherwise than its labels would. */
type Lies = Partial<Omit<Labels, 'spec'>>;

/** A device whose labels are `inner` but for the lies: getters stay getters. */
function lyingDevice(compute: Compute, lies: (inner: Labels, transcript: Transcript) => Lies): Compute {
  return {
    name: `lying(${compute.name})`,
    loadOperand: (b, n) => compute.loadOperand(b, n),
    async openLabels(spec) {
      const operand = await acquireOperand(compute, spec.basis, spec.n);
      const transcript = new Transcript(createChain(spec.seed, spec.n, spec.capacity));
      const inner = createPlainLabels(spec, operand, transcript);
      const own = Object.getOwnPropertyDescriptors(lies(inner, transcript));
      return Object.create(inner, own) as Labels;
    },
  };
}

const onLyingDevice = (
  lies: (inner: Labels, transcript: Transcript, params: MemoryParams, compute: Compute) => Lies,
): MemoryLiar['prove'] => {
  return (parts, challenge, signal) => {
    const { compute } = parts;
    const device = lyingDevice(compute, (inner, transcript) =>
      lies(inner, transcript, challenge.params, compute),
    );
    return prove({ ...parts, compute: device }, challenge, signal);
  };
};

/** Fills `share` of the rows of labels `from`.. with random bytes, and opens accumulators that fold to them. */
function fabricating(
  random: Random,
  share: number,
  isMadeUp: (label: number, madeInWindow: number | undefined) => boolean,
): MemoryLiar['prove'] {
  return onLyingDevice((inner, transcript, { n }, compute) => {
    const forged = new Map<string, Int32Array>();
    let inWindow: number | undefined;
    const indices = Array.from({ length: n }, (_, i) => i);
    return {
      async extend(upTo, more, signal) {
        const operand = await acquireOperand(compute, inner.spec.basis, n);
        const a = new Int8Array(n * n);
        while (transcript.count < upTo && more()) {
          signal.throwIfAborted();
          transcript.operand(new Uint8Array(a.buffer));
          const label = transcript.next;
          const order = shuffled(indices, random);
          const skip = isMadeUp(label, inWindow) ? order.slice(0, Math.round(share * n)) : [];
          const bytes = await multiplyRows(operand, a, n, order.slice(skip.length));
          for (const i of skip) {
            const c = plausibleAccumulator(random, n);
            fold(c, bytes.subarray(i * n, (i + 1) * n));
            forged.set(`${label}/${i}`, c);
          }
          transcript.append(bytes);
        }
        operand.release();
        inWindow ??= transcript.count;
        return transcript.count;
      },
      async accumulators(places) {
        const honest = await inner.accumulators(places);
        return places.map(({ label, index }, s) => forged.get(`${label}/${index}`) ?? honest[s]!);
      },
    };
  });
}

/** Work in the window is not done: paid operations that were none. */
export const skipsWork = ({ share, random }: { share: number; random: Random }): MemoryLiar => ({
  name: `makes up ${share * 100} % of the rows of labels made in the window`,
  reasons: ['projection'],
  acceptance: ({ params }) => (1 - Math.round(share * params.n) / params.n) ** params.samples,
  prove: fabricating(random, share, (_label, inWindow) => inWindow === undefined),
});

/** Memory is filled with what can be made again at any time. */
export const fillsWithNoise = ({ share, random }: { share: number; random: Random }): MemoryLiar => ({
  name: `makes up ${share * 100} % of the rows of labels that only fill memory`,
  reasons: ['projection'],
  acceptance: ({ params }) => (1 - Math.round(share * params.n) / params.n) ** params.fillSamples,
  prove: fabricating(random, share, (_label, inWindow) => inWindow !== undefined),
});

/** Names labels at the end of the window that it makes only later. */
export const namesLabelsAhead = ({ labels }: { labels: number }): MemoryLiar => ({
  name: `names ${labels} labels more than it finished in the window, and makes them after it`,
  reasons: ['path'],
  acceptance: () => 0,
  prove: onLyingDevice((inner) => {
    let claimed: number | undefined;
    let real: number | undefined;
    return {
      get count() {
        return claimed ?? inner.count;
      },
      async extend(upTo, more, signal) {
        claimed = undefined;
        const count = await inner.extend(upTo, more, signal);
        if (real !== undefined) return count;
        real = count;
        claimed = Math.min(upTo, count + labels);
        return claimed;
      },
      roots: (count) => inner.roots(count === claimed && real !== undefined ? real : count),
    };
  }),
});

/** The rest of a lying pass: its leaves, hashed; the same ones whenever they are asked for. */
function lyingPass(
  params: MemoryParams,
  leafOf: (count: number, key: Uint8Array, leaf: number) => Promise<Uint8Array>,
): Pick<Labels, 'pass' | 'passLeaf'> {
  return {
    async pass(count, key) {
      const leaves = digestLeaves(blocksOf(params, count));
      const out = new Uint8Array(leaves * HASH_BYTES);
      for (let leaf = 0; leaf < leaves; leaf++)
        hashDigestLeaf(await leafOf(count, key, leaf), out, leaf * HASH_BYTES);
      return out;
    },
    passLeaf: leafOf,
  };
}

/** Does not have a share of the blocks, and makes their digests up. */
export const inventsDigests = ({ share }: { share: number }): MemoryLiar => ({
  name: `makes up ${share * 100} % of the digests of every round`,
  reasons: ['digest'],
  acceptance({ params }) {
    const blocks = blocksOf(params, params.labels);
    return (1 - Math.round(share * blocks) / blocks) ** params.passSamples;
  },
  prove: onLyingDevice((inner, _transcript, params) =>
    lyingPass(params, async (count, key, leaf) => {
      const random = createSeededRandom(`invented/${toHex(key)}`);
      const blocks = Array.from({ length: blocksOf(params, count) }, (_, b) => b);
      const missing = shuffled(blocks, random).slice(0, Math.round(share * blocks.length));
      const digests = await inner.passLeaf(count, key, leaf);
      for (const block of missing) {
        const at = (block - leaf * DIGESTS_PER_LEAF) * DIGEST_BYTES;
        if (at >= 0 && at < digests.length) digests.set(random.bytes(DIGEST_BYTES), at);
      }
      return digests;
    }),
  ),
});

/** Reads memory for the first rounds, and then hands in rounds that it never read. */
export const skipsRounds = ({ share }: { share: number }): MemoryLiar => {
  const skipped = (rounds: number): number => Math.round(share * rounds);
  return {
    name: `makes up the last ${share * 100} % of the rounds`,
    reasons: ['digest'],
    acceptance: ({ params }) => (1 - skipped(params.maxRounds) / params.maxRounds) ** params.passSamples,
    prove: onLyingDevice((inner, _transcript, params) => {
      const { maxRounds } = params;
      const honest = new Set<string>();
      return lyingPass(params, async (count, key, leaf) => {
        const name = toHex(key);
        if (honest.size < maxRounds - skipped(maxRounds)) honest.add(name);
        const digests = await inner.passLeaf(count, key, leaf);
        if (honest.has(name)) return digests;
        const left = blocksOf(params, count) - leaf * DIGESTS_PER_LEAF;
        const used = Math.min(DIGESTS_PER_LEAF, left) * DIGEST_BYTES;
        digests.set(createSeededRandom(`${name}/${leaf}`).bytes(used));
        return digests;
      });
    }),
  };
};

/** Reads memory once, before the Pass, under a key of its own choosing. */
export const readsBeforePass: MemoryLiar = {
  name: 'reads memory under a key that it knew before the Pass',
  reasons: ['digest'],
  acceptance: () => 0,
  prove: onLyingDevice((inner) => {
    const early = (key: Uint8Array): Uint8Array => sha256(key); // any key but the one asked for
    return {
      pass: (count, key) => inner.pass(count, early(key)),
      passLeaf: (count, key, leaf) => inner.passLeaf(count, early(key), leaf),
    };
  }),
};

/**
 * Keeps seven bits of each byte: what a digest that forgets bits of its input would let pass (hashes modulo 2^61 - 1 forget three
 * of 64). Labels are opened whole, made again.
 */
export const storesSevenBits: MemoryLiar = {
  name: 'keeps seven bits of each byte',
  reasons: ['digest'],
  acceptance: () => 0,
  prove: onLyingDevice((inner, transcript, params) => {
    const { n } = params;
    const spec = inner.spec;
    const shrunk = new Transcript(createChain(spec.seed, n, spec.capacity));
    const copy = async (): Promise<Labels> => {
      while (shrunk.count < transcript.count) {
        const rows = await inner.rows(
          Array.from({ length: n }, (_, index) => ({ label: shrunk.count + 1, index })),
        );
        const label = new Uint8Array(n * n);
        for (const [i, row] of rows.entries())
          label.set(
            row.map((byte) => byte & 254),
            i * n,
          );
        shrunk.append(label);
      }
      const nobody = { exclusive: () => Promise.reject(new RangeError('no products')), release() {} };
      return createPlainLabels(spec, nobody, shrunk);
    };
    return lyingPass(params, async (count, key, leaf) => (await copy()).passLeaf(count, key, leaf));
  }),
};

/** Answers with honest work that was done for another seed. */
export const borrowsMemory = ({ random }: { random: Random }): MemoryLiar => ({
  name: 'answers with valid work for another seed',
  reasons: ['seed'],
  acceptance: () => 0,
  prove: (parts, challenge, signal) => prove(parts, { ...challenge, seed: random.bytes(32) }, signal),
});

/** Honest work, and an opening that is not what was asked. */
const tampering = (
  name: string,
  reasons: readonly Rejection[],
  rewrite: (opening: Opening) => Opening,
): MemoryLiar => ({
  name,
  reasons,
  acceptance: () => 0,
  async prove(parts, challenge, signal) {
    const proving = await prove(parts, challenge, signal);
    return {
      ...proving,
      // our own prover's opening
      open: async (request) =>
        encodeOpening(rewrite(decodeOpening(challenge.params, await proving.open(request))! as Opening)),
    };
  },
});

const everyPass = (
  opening: Opening,
  change: (sample: Opening['passSamples'][number]) => object,
): Opening => ({
  ...opening,
  passSamples: opening.passSamples.map((sample) => ({ ...sample, ...change(sample) })),
});

/** The liar's whole repertoire, with shares that let some pass: what the conformance suite of `memory` meets. */
export const memoryLiars = (random: Random): readonly MemoryLiar[] => [
  skipsWork({ share: 0.125, random }),
  fillsWithNoise({ share: 0.125, random }),
  fillsWithNoise({ share: 0.5, random }),
  namesLabelsAhead({ labels: 1 }),
  namesLabelsAhead({ labels: 3 }),
  inventsDigests({ share: 0.125 }),
  inventsDigests({ share: 0.25 }),
  skipsRounds({ share: 0.2 }),
  readsBeforePass,
  storesSevenBits,
  borrowsMemory({ random }),
  tampering('swaps the roots of window and fill', ['seed'], (opening) => ({
    ...opening,
    rowRoot: opening.fillRowRoot,
    fillRowRoot: opening.rowRoot,
  })),
  tampering('breaks what shows the common beginning', ['path'], (opening) => ({
    ...opening,
    rowPrefix: { ...opening.rowPrefix, last: opening.rowPrefix.last.map((byte) => byte ^ 1) },
  })),
  tampering('leaves a digest out', ['malformed'], (opening) => ({
    ...opening,
    passSamples: opening.passSamples.slice(1),
  })),
  tampering('opens one digest too many', ['malformed'], (opening) => ({
    ...opening,
    passSamples: [...opening.passSamples, opening.passSamples[0]!],
  })),
  tampering('cuts the rows of a block short', ['malformed'], (opening) =>
    everyPass(opening, ({ rows }) => ({ rows: rows.subarray(1) })),
  ),
  tampering('opens other bytes than were committed to', ['path'], (opening) =>
    everyPass(opening, ({ rows }) => ({ rows: rows.map((byte) => byte ^ 1) })),
  ),
  tampering('opens other digests than were committed to', ['path'], (opening) =>
    everyPass(opening, ({ digests }) => ({ digests: digests.map((byte) => byte ^ 1) })),
  ),
  tampering('adds a sibling to its paths', ['malformed'], (opening) =>
    everyPass(opening, ({ rowsPath }) => ({ rowsPath: Uint8Array.of(...rowsPath, ...new Uint8Array(32)) })),
  ),
];
