// Owns: provers of `host-memory` that lie by what they commit to and open. Most are honest provers over lanes that lie.
// Does not own: those that lie by being slow or by keeping bytes elsewhere (host-memory-model.ts): no byte of theirs is wrong.

import { Lane } from '../../compute/host/lane.js';
import { createPlainHost } from '../../compute/host/plain.js';
import type { HostMemory, LanesSpec } from '../../compute/host.js';
import { DIGEST_BYTES, DIGESTS_PER_LEAF, digestBlock, digestKey } from '../../compute/spec/digest.js';
import { hostRoot, LabelMaker, labelName, parentsOf } from '../../compute/spec/host-labels.js';
import { LEAF_STEPS, STATE_BYTES, statesFromBytes } from '../../compute/spec/host-walk.js';
import { concat } from '../../model/bytes.js';
import { createSeededRandom, type Random, shuffled } from '../../model/prng.js';
import type { Rejection } from '../../model/verdict.js';
import {
  type AllCommits,
  decodeCommits,
  decodeOpening,
  decodeRequest,
  encodeFill,
  encodeOpening,
  encodeRequest,
  encodeRounds,
  encodeWalk,
  isComplete,
  type Opening,
  type Request,
} from '../../verification/kinds/host-memory/codec.js';
import type { HostMemoryParams } from '../../verification/kinds/host-memory/params.js';
import { prove } from '../../verification/kinds/host-memory/prove.js';
import type { Challenge, Proving } from '../../verification/proof.js';
import type { Liar } from '../conformance/proof.js';

export type HostMemoryLiar = Liar<HostMemoryParams>;
type Prove = HostMemoryLiar['prove'];

/** An honest prover whose lanes are of another make. */
const overLanes =
  (createLane: (spec: LanesSpec, lane: number) => Lane): Prove =>
  (devices, challenge, signal) => {
    const { lanes, bytes } = devices.host!; // these liars need one to lie about
    return prove(
      { ...devices, host: createPlainHost({ lanes, bytes: bytes(), createLane }) },
      challenge,
      signal,
    );
  };

/** `share` of `count` places, drawn. */
const drawn = (count: number, share: number, random: Random): ReadonlySet<number> =>
  new Set(
    shuffled(
      Array.from({ length: count }, (_, i) => i),
      random,
    ).slice(0, Math.round(share * count)),
  );

/** Chance that `samples` independent ones miss what `share` of `count` places have. */
const missed = (share: number, count: number, samples: number): number =>
  (1 - Math.round(share * count) / count) ** samples;

/** Labels of each lane, where nobody hurries: as the prover lays them out. */
function labelsOf(params: HostMemoryParams, host: Pick<HostMemory, 'lanes' | 'bytes'>): number {
  const lanes = Math.min(params.maxLanes, host.lanes);
  return Math.floor(Math.min(params.maxBytes, host.bytes()) / (lanes * params.labelBytes));
}

/** What a liar that counts places must know of the host it will be run on. */
export interface LiarsHost {
  readonly host: Pick<HostMemory, 'lanes' | 'bytes'>;
}

/** Makes up `share` of the labels of every lane. */
export function fabricatesLabels(
  options: { readonly share: number; readonly random: Random } & LiarsHost,
): HostMemoryLiar {
  const { share, random, host } = options;
  return {
    name: `makes up ${share * 100} % of the labels`,
    reasons: ['label'],
    acceptance: ({ params }) => missed(share, labelsOf(params, host), params.labelSamples),
    prove: overLanes(
      (spec, lane) =>
        new (class extends Lane {
          readonly #madeUp = drawn(spec.capacity, share, random);
          protected override makeLabel(index: number): Uint8Array {
            return this.#madeUp.has(index) ? random.bytes(spec.labelBytes) : super.makeLabel(index);
          }
        })(spec, lane),
    ),
  };
}

/** Never looks back: takes the label before for all three parents, so that nothing older need be kept for the fill. */
export const takesTheLabelBefore: HostMemoryLiar = {
  name: 'takes the label before for all three parents',
  reasons: ['label'],
  acceptance: () => 0,
  prove: overLanes(
    (spec, lane) =>
      new (class extends Lane {
        readonly #maker = new LabelMaker(spec);
        protected override makeLabel(index: number): Uint8Array {
          const name = labelName(spec.seed, this.lane, index);
          const before = parentsOf(name, index).map(() => this.label(index - 1));
          return this.#maker.make(name, before);
        }
      })(spec, lane),
  ),
};

/** Fills one lane and shows it as all of them. */
export const keepsOneLane = ({ host }: LiarsHost): HostMemoryLiar => ({
  name: 'fills one lane and shows it as all of them',
  reasons: ['label'],
  acceptance: ({ params }) => (1 / Math.min(params.maxLanes, host.lanes)) ** params.labelSamples,
  prove: overLanes(
    (spec, lane) =>
      new (class extends Lane {
        readonly #maker = new LabelMaker(spec);
        protected override makeLabel(index: number): Uint8Array {
          const name = labelName(spec.seed, 0, index);
          // the parents that its place says, as whoever opens this lane will be asked for
          const own = parentsOf(labelName(spec.seed, this.lane, index), index);
          return this.#maker.make(
            name,
            own.map((parent) => this.label(parent)),
          );
        }
      })(spec, lane),
  ),
});

/** Does not read `share` of the labels in any round: their digests are one off. */
export function guessesDigests(
  options: { readonly share: number; readonly random: Random } & LiarsHost,
): HostMemoryLiar {
  const { share, random, host } = options;
  return {
    name: `guesses the digests of ${share * 100} % of the labels`,
    reasons: ['digest'],
    acceptance: ({ params }) => missed(share, labelsOf(params, host), params.digestSamples),
    prove: overLanes(
      (spec, lane) =>
        new (class extends Lane {
          readonly #guessed = drawn(spec.capacity, share, random);
          protected override digestsOf(labels: number, leaf: number): Uint8Array {
            const digests = super.digestsOf(labels, leaf);
            for (let i = 0; i < digests.length / DIGEST_BYTES; i++)
              if (this.#guessed.has(leaf * DIGESTS_PER_LEAF + i)) digests[i * DIGEST_BYTES] ^= 1;
            return digests;
          }
        })(spec, lane),
    ),
  };
}

/** Keeps seven bits of every byte of `share` of the labels: an eighth of their memory for nothing, were digests blind to it. */
export function keepsResidues(
  options: { readonly share: number; readonly random: Random } & LiarsHost,
): HostMemoryLiar {
  const { share, random, host } = options;
  return {
    name: `keeps seven bits of every byte of ${share * 100} % of the labels`,
    reasons: ['digest'],
    acceptance: ({ params }) => missed(share, labelsOf(params, host), params.digestSamples),
    prove: overLanes(
      (spec, lane) =>
        new (class extends Lane {
          readonly #shortened = drawn(spec.capacity, share, random);
          #key: Uint8Array = new Uint8Array(0);
          override pass(labels: number, key: Uint8Array): Uint8Array {
            this.#key = key.slice();
            return super.pass(labels, key);
          }
          override openDigests(labels: number, round: number, index: number) {
            this.#key = this.keyOfRound(round);
            return super.openDigests(labels, round, index);
          }
          protected override digestsOf(labels: number, leaf: number): Uint8Array {
            const digests = super.digestsOf(labels, leaf);
            const key = digestKey(this.#key, spec.labelBytes);
            for (let i = 0; i < digests.length / DIGEST_BYTES; i++) {
              const index = leaf * DIGESTS_PER_LEAF + i;
              if (!this.#shortened.has(index)) continue;
              const residue = this.label(index).map((byte) => byte & 127);
              digestBlock(residue, key, digests, i * DIGEST_BYTES);
            }
            return digests;
          }
        })(spec, lane),
    ),
  };
}

/** Reads in a share of the rounds only, and shows the digests of the round before in the others. */
export function repeatsRounds(options: { readonly share: number; readonly random: Random }): HostMemoryLiar {
  const { share, random } = options;
  return {
    name: `shows the round before in ${share * 100} % of the rounds`,
    reasons: ['digest'],
    acceptance: ({ params }) => survivesRounds(params, share),
    prove: (devices, challenge, signal) => {
      // the first has none before it
      const repeated = drawn(challenge.params.maxRounds - 1, share, random);
      return overLanes(
        (spec, lane) =>
          new (class extends Lane {
            #round = 0;
            #key: Uint8Array = new Uint8Array(0);
            override pass(labels: number, key: Uint8Array): Uint8Array {
              if (!repeated.has(this.#round++ - 1)) this.#key = key.slice();
              return super.pass(labels, this.#key);
            }
          })(spec, lane),
      )(devices, challenge, signal);
    },
  };
}

const survivesRounds = ({ maxRounds, digestSamples }: HostMemoryParams, share: number): number =>
  (1 - Math.round(share * (maxRounds - 1)) / maxRounds) ** digestSamples;

/** Reads under the keys of a Pass of its own, before the real one: work done ahead of time. */
export const readsBeforeThePass = ({ random }: { readonly random: Random }): HostMemoryLiar => ({
  name: 'reads its rounds under the keys of another Pass',
  reasons: ['digest'],
  acceptance: () => 0,
  async prove(devices, challenge, signal) {
    const proving = await prove(devices, challenge, signal);
    const own = random.bytes(32);
    return {
      ...proving,
      next: ({ pass, leftMs }, until) =>
        proving.next!({ pass: pass === undefined ? undefined : own, leftMs }, until), // `prove` has it
    };
  },
});

/** Makes up the states after `share` of the walk's steps instead of reading what they name. */
export function guessesSteps(options: { readonly share: number; readonly random: Random }): HostMemoryLiar {
  const { share, random } = options;
  return {
    name: `makes up ${share * 100} % of the steps of its walk`,
    reasons: ['walk', 'path'],
    acceptance: ({ params }) => missed(share, params.maxLeaves * LEAF_STEPS, params.stepSamples),
    prove: overLanes(makingUp((spec) => drawn(spec.maxLeaves * LEAF_STEPS, share, random), random)),
  };
}

/**
 * Begins `share` of the leaves wherever it likes, so that they can be walked at the same time as all others: what a walk must not
 * allow. One step of eight is wrong in each.
 */
export function cutsTheWalk(options: { readonly share: number; readonly random: Random }): HostMemoryLiar {
  const { share, random } = options;
  return {
    name: `begins ${share * 100} % of the leaves of its walk out of turn`,
    reasons: ['walk', 'path'],
    acceptance: ({ params }) =>
      (1 - Math.round(share * params.maxLeaves) / params.maxLeaves / LEAF_STEPS) ** params.stepSamples,
    prove: overLanes(
      makingUp(
        (spec) => new Set([...drawn(spec.maxLeaves, share, random)].map((leaf) => leaf * LEAF_STEPS)),
        random,
      ),
    ),
  };
}

/** Lanes in which the states after the steps of `places` are made up; what follows in the leaf is honest again. */
function makingUp(
  places: (spec: LanesSpec) => ReadonlySet<number>,
  random: Random,
): (spec: LanesSpec, lane: number) => Lane {
  return (spec, lane) => {
    const madeUp = places(spec);
    const name = random.bytes(8).join();
    return new (class extends Lane {
      protected override stepOf(leaf: number, step: number, states: Uint32Array): void {
        const place = leaf * LEAF_STEPS + step;
        super.stepOf(leaf, step, states);
        if (!madeUp.has(place)) return;
        const state = createSeededRandom(`${name}/${place}`).bytes(STATE_BYTES);
        states.set(statesFromBytes(state), ((step + 1) * STATE_BYTES) / 4);
      }
    })(spec, lane);
  };
}

/** Answers with honest work that was done for another seed: replayed, borrowed from a neighbour, precomputed. */
export const borrowsMemory = ({ random }: { readonly random: Random }): HostMemoryLiar => ({
  name: 'answers with valid work for another seed',
  reasons: ['seed'],
  acceptance: () => 0,
  prove: (devices, challenge, signal) => prove(devices, { ...challenge, seed: random.bytes(32) }, signal),
});

/** Has labels from before the Go, and only makes the root anew for the seed it is given. */
export const rebindsMemory = ({ random }: { readonly random: Random }): HostMemoryLiar => ({
  name: 'names labels that it had before the seed',
  reasons: ['path', 'label'],
  acceptance: () => 0,
  async prove(devices, challenge, signal) {
    const { params, seed } = challenge;
    const before = await prove(devices, { ...challenge, seed: random.bytes(32) }, signal);
    let top: Uint8Array = new Uint8Array(32);
    return committing(params, before, {
      fill: async (commits) => {
        top = await topOf(params, before, commits);
        const { lanes, fill } = commits;
        return encodeFill({ labels: fill.labels, root: hostRoot(seed, lanes, fill.labels, top) });
      },
    });
  },
});

type Change = Partial<
  Record<'fill' | 'rounds' | 'walk', (commits: AllCommits) => Uint8Array | Promise<Uint8Array>>
>;

/**
 * A prover that does all its work first and then names it otherwise. The Pass it works under is made up, so that `change` can see all
 * commits at the second one.
 */
function committing(params: HostMemoryParams, proving: Proving, change: Change): Proving {
  const { signal } = new AbortController();
  const unhurried = { leftMs: () => Number.POSITIVE_INFINITY };
  const bodies = [proving.commit];
  let all: AllCommits | undefined;
  const names = ['fill', 'rounds', 'walk'] as const;
  let at = 0;
  return {
    ...proving,
    async next() {
      if (!all) {
        const pass = new Uint8Array(32);
        for (const given of [undefined, pass, pass])
          bodies.push(await proving.next!({ pass: given, ...unhurried }, signal)); // `prove` has it
        const commits = decodeCommits(params, bodies);
        if (!isComplete(commits)) throw new TypeError('commits: expected four of an honest prover');
        all = commits;
      }
      const name = names[at++];
      return change[name]?.(all) ?? bodies[at];
    },
  };
}

/** Top of the label trees of a prover that has made all its commits. */
async function topOf(params: HostMemoryParams, proving: Proving, commits: AllCommits): Promise<Uint8Array> {
  const request = ownRequest(params);
  const opening = await proving.open(request);
  return decodeOpening(params, commits, decodeRequest(params, commits, request)!, opening)!.top; // our own prover's
}

const ownRequest = (params: HostMemoryParams): Uint8Array =>
  encodeRequest({
    labels: Array.from({ length: params.labelSamples }, () => ({ lane: 0, index: 0 })),
    digests: Array.from({ length: params.digestSamples }, () => ({ round: 1, lane: 0, index: 0 })),
    steps: Array.from({ length: params.stepSamples }, () => ({ lane: 0, leaf: 0, step: 0 })),
  });

/** Commits that are none, whatever was done. */
const outOfRange = (name: string, change: Change): HostMemoryLiar => ({
  name,
  reasons: ['malformed'],
  acceptance: () => 0,
  prove: async (devices, challenge, signal) =>
    committing(challenge.params, await prove(devices, challenge, signal), change),
});

const namesTooManyLabels = outOfRange('names 2^31 labels', {
  fill: ({ fill }) => encodeFill({ labels: 2 ** 31, root: fill.root }),
});
const namesNoRound = outOfRange('names no round', { rounds: () => encodeRounds([]) });
const namesTooManyRounds: HostMemoryLiar = {
  name: 'names more rounds than may be named',
  reasons: ['malformed'],
  acceptance: () => 0,
  prove: async (devices, challenge, signal) =>
    committing(challenge.params, await prove(devices, challenge, signal), {
      rounds: ({ roots }) =>
        encodeRounds(Array.from({ length: challenge.params.maxRounds + 1 }, () => roots[0])),
    }),
};
const namesTooManyLeaves = outOfRange('names 2^31 leaves', {
  walk: ({ walk }) => encodeWalk({ leaves: 2 ** 31, root: walk.root }),
});

/** Liars whose work is honest and whose opening is not what was asked. */
const tampering = (
  name: string,
  reasons: readonly Rejection[],
  rewrite: (opening: Opening, request: Request) => Opening,
): HostMemoryLiar => ({
  name,
  reasons,
  acceptance: () => 0,
  prove: async (devices, challenge, signal) =>
    rewriting(challenge, await prove(devices, challenge, signal), rewrite),
});

/** The same prover, whose openings are changed before they leave. */
function rewriting(
  { params }: Challenge<HostMemoryParams>,
  proving: Proving,
  rewrite: (opening: Opening, request: Request) => Opening,
): Proving {
  const bodies = [proving.commit];
  return {
    ...proving,
    async next(step, signal) {
      const body = await proving.next!(step, signal); // `prove` has it
      bodies.push(body);
      return body;
    },
    async open(bytes) {
      const opening = await proving.open(bytes);
      const commits = decodeCommits(params, bodies);
      // both come from our own prover, which has refused what does not decode
      const request = decodeRequest(params, commits as AllCommits, bytes)!;
      return encodeOpening(rewrite(decodeOpening(params, commits as AllCommits, request, opening)!, request));
    },
  };
}

const flipped = (bytes: Uint8Array, at = 0): Uint8Array => bytes.with(at, bytes[at] ^ 1);

const turnsSamples = tampering(
  'opens the samples in another order',
  ['path', 'malformed', 'label'],
  (opening) => ({
    ...opening,
    labels: opening.labels.toReversed(),
    digests: opening.digests.toReversed(),
    steps: opening.steps.toReversed(),
  }),
);
const swapsParents = tampering('swaps the parents of a label', ['path', 'malformed'], (opening) => ({
  ...opening,
  labels: opening.labels.map((each) => ({ ...each, parents: each.parents.toReversed() })),
}));
const dropsSample = tampering('leaves a sample out', ['malformed'], (opening) => ({
  ...opening,
  steps: opening.steps.slice(1),
}));
const repeatsSample = tampering('opens a sample twice', ['malformed'], (opening) => ({
  ...opening,
  digests: [...opening.digests, opening.digests[0]],
}));
const truncatesLabel = tampering('cuts a label short', ['malformed'], (opening) => ({
  ...opening,
  digests: opening.digests.with(0, {
    ...opening.digests[0],
    block: { ...opening.digests[0].block, label: opening.digests[0].block.label.subarray(1) },
  }),
}));
const padsPath = tampering('pads a path', ['malformed'], (opening) => ({
  ...opening,
  labels: opening.labels.with(0, {
    ...opening.labels[0],
    path: concat(opening.labels[0].path, new Uint8Array(32)),
  }),
}));
const breaksPath = tampering('breaks a path', ['path'], (opening) => ({
  ...opening,
  digests: opening.digests.with(0, { ...opening.digests[0], path: flipped(opening.digests[0].path) }),
}));
const breaksLabelPath = tampering(
  'breaks the path of a label that it was not shown',
  ['label'],
  (opening) => ({
    ...opening,
    labels: opening.labels.map((each) => ({ ...each, path: flipped(each.path) })),
  }),
);
const altersDigests = tampering('alters the digests of a leaf', ['path'], (opening) => ({
  ...opening,
  digests: opening.digests.with(0, { ...opening.digests[0], digests: flipped(opening.digests[0].digests) }),
}));
const altersStates = tampering('alters the states of a leaf', ['path'], (opening) => ({
  ...opening,
  steps: opening.steps.with(0, { ...opening.steps[0], states: flipped(opening.steps[0].states) }),
}));
const showsOtherRead = tampering('opens another label than the step read', ['path'], (opening) => ({
  ...opening,
  steps: opening.steps.map((each) => ({ ...each, block: opening.digests[0].block })),
}));
const answersOwnQuestion: HostMemoryLiar = {
  name: 'answers a request of its own',
  reasons: ['malformed', 'path'],
  acceptance: () => 0,
  async prove(devices, challenge, signal) {
    const proving = await prove(devices, challenge, signal);
    return { ...proving, open: () => proving.open(ownRequest(challenge.params)) };
  },
};
const spellsOtherwise: HostMemoryLiar = {
  name: 'spells its opening with a field that nobody knows',
  reasons: ['malformed'],
  acceptance: () => 0,
  async prove(devices, challenge, signal) {
    const proving = await prove(devices, challenge, signal);
    return {
      ...proving,
      open: async (request) => concat(await proving.open(request), Uint8Array.of(0x78, 1)),
    };
  },
};

/** Every liar of this kind, at strengths at which some attempts of each graded one pass. */
export function hostMemoryLiars(
  random: Random,
  host: LiarsHost['host'] = createPlainHost(),
): readonly HostMemoryLiar[] {
  const graded = (share: number) => ({ share, random, host });
  return [
    fabricatesLabels(graded(0.05)),
    fabricatesLabels(graded(0.25)),
    takesTheLabelBefore,
    keepsOneLane({ host }),
    guessesDigests(graded(0.05)),
    guessesDigests(graded(0.25)),
    keepsResidues(graded(0.25)),
    repeatsRounds({ share: 0.15, random }),
    repeatsRounds({ share: 0.5, random }),
    readsBeforeThePass({ random }),
    guessesSteps({ share: 0.1, random }),
    guessesSteps({ share: 0.3, random }),
    cutsTheWalk({ share: 0.5, random }),
    cutsTheWalk({ share: 1, random }),
    borrowsMemory({ random }),
    rebindsMemory({ random }),
    namesTooManyLabels,
    namesNoRound,
    namesTooManyRounds,
    namesTooManyLeaves,
    turnsSamples,
    swapsParents,
    dropsSample,
    repeatsSample,
    truncatesLabel,
    padsPath,
    breaksPath,
    breaksLabelPath,
    altersDigests,
    altersStates,
    showsOtherRead,
    answersOwnQuestion,
    spellsOtherwise,
  ];
}
