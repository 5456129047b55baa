// Owns: hosts that lie of what they received, and what links and accomplices would gain them. Does not own: honest hosts
// (verification/kinds/bandwidth), how often an attack is run (testing/attacks).

import type { Segment } from '../../compute/link.js';
import { contentOf, digestLeaves, LEAF_BYTES, segmentMessage, segmentTree } from '../../compute/spec/link.js';
import { concat, toHex } from '../../model/bytes.js';
import { type Ed25519Key, ed25519FromSeed } from '../../model/ed25519.js';
import { HASH_BYTES } from '../../model/merkle.js';
import type { Random } from '../../model/prng.js';
import type { Rejection } from '../../model/verdict.js';
import { brief as drawBrief } from '../../verification/kinds/bandwidth/brief.js';
import {
  decodeBrief,
  decodeOpening,
  decodeRequest,
  encodeOffer,
  encodeOpening,
  encodeRequest,
  type Opening,
  type Pull,
  type Request,
  type SampleOpening,
} from '../../verification/kinds/bandwidth/codec.js';
import type { BandwidthParams } from '../../verification/kinds/bandwidth/params.js';
import { createProving, prove } from '../../verification/kinds/bandwidth/prove.js';
import { SourceTranscript } from '../../verification/kinds/bandwidth/transcript.js';
import type { Challenge, Proving } from '../../verification/proof.js';
import type { Liar } from '../conformance/proof.js';
import { createInstantLink, type InstantLink } from '../devices/links.js';

export type BandwidthLiar = Liar<BandwidthParams>;
type Prove = BandwidthLiar['prove'];

/**
 * A slot's part in a round of as many hosts as its parameters need, all of whose sources are honest and instantaneous: what
 * conformance and attacks hand a prover. A host whose `corrupt` is given is one of its sources and signs what it makes of its content.
 */
export function instantRound(
  params: BandwidthParams,
  random: Random,
  corrupt?: {
    readonly source: number;
    readonly content: (content: Uint8Array, segment: number) => Uint8Array;
  },
): { brief: Uint8Array; kept: Uint8Array; devices: { link: InstantLink } } {
  const signers = Array.from({ length: params.sources + 1 }, (_, i) => signerOf(i));
  const participants = signers.map(({ publicKey }, i) => ({
    hotkey: random.bytes(32),
    coldkey: random.bytes(32),
    slot: 0,
    address: `10.${i}.0.1`,
    offer: encodeOffer({ port: 40_000 + i, linkKey: publicKey }),
  }));
  const event = {
    eventId: random.bytes(32),
    beacon: random.bytes(32),
    validator: random.bytes(32),
    participants,
  };
  const { told, kept } = drawBrief(params, event, random).participants[0]!; // everybody may meet everybody
  const { pulls } = decodeBrief(params, told)!;
  const tickets = pulls.map(({ ticket, linkKey }, s) => ({
    ticket,
    key: kept.slice(32 * s, 32 * s + 32),
    signer: signers.find(({ publicKey }) => toHex(publicKey) === toHex(linkKey))!, // one of them
    ...(corrupt?.source === s ? { corrupt: corrupt.content } : {}),
  }));
  return { brief: told, kept, devices: { link: createInstantLink(tickets) } };
}

/** The same keys in every round: making one costs as much as all else of a small round. */
const signers: Ed25519Key[] = [];
function signerOf(host: number): Ed25519Key {
  signers[host] ??= ed25519FromSeed(new Uint8Array(32).fill(host + 1));
  return signers[host];
}

/** What stands in the place of a leaf that never came. */
export type Invention =
  /** a digest of nothing */
  | 'plain'
  /** shown as if the source had sent it: signed with a key of the liar's own */
  | 'framing'
  /** shown with a signature that the source did make, over another segment */
  | 'borrowed-signature';

/**
 * Receives all but `share` of the leaves of every segment and makes up the others; the best it can do, since no leaf says
 * anything of another.
 */
export function inventsLeaves(options: {
  readonly share: number;
  readonly random: Random;
  readonly as?: Invention;
}): BandwidthLiar {
  const { share, random, as = 'plain' } = options;
  const invented = ({ segmentLeaves }: BandwidthParams): number => Math.round(share * segmentLeaves);
  const shown = {
    plain: '',
    framing: ' and frames their sources',
    'borrowed-signature': ' and borrows signatures',
  };
  return {
    name: `invents ${share * 100} % of the leaves${shown[as]}`,
    reasons: ['path'],
    acceptance: ({ params }) => (1 - invented(params) / params.segmentLeaves) ** params.samples,
    async prove(devices, challenge, signal) {
      const { params } = challenge;
      const made = new Set<string>();
      const own = ed25519FromSeed(random.bytes(32));
      const proving = await receive(devices, challenge, signal, (segment, { ticket }, source, index) => {
        const digests = segment.digests.slice();
        for (let i = 0; i < invented(params); i++) {
          // every segment loses as many leaves: the first, the second, ... are as likely to be sampled as any
          digests.set(random.bytes(HASH_BYTES), i * HASH_BYTES);
          made.add(`${source}/${index * params.segmentLeaves + i}`);
        }
        const message = segmentMessage(ticket, index, segmentTree(digests).root);
        return { digests, signature: as === 'framing' ? own.sign(message) : segment.signature };
      });
      // an honest opening blames its source for a leaf that is not its key's: that is what framing looks like
      return rewriting(params, proving, (opening, { samples }) => ({
        ...opening,
        samples: opening.samples.map((opened, i) => {
          const isMade = made.has(`${samples[i].source}/${samples[i].leaf}`);
          return isMade && as === 'plain' ? withoutBlame(opened) : opened;
        }),
      }));
    },
  };
}

/** Claims what it could make itself from everything that it was told: ticket, pass, commitment. */
export function regenerates(options: { readonly from: 'ticket' | 'pass' | 'keyCommitment' }): BandwidthLiar {
  const { from } = options;
  return madeUp(`makes content from its ${from}`, (params, pull) =>
    contentOf(pull[from]).next(segmentBytes(params)),
  );
}

/** Shows what the same sources sent in an event before: keys are made for one event. */
export function caches(options: { readonly random: Random }): BandwidthLiar {
  return madeUp('shows what it kept of an event before', (params) =>
    contentOf(options.random.bytes(32)).next(segmentBytes(params)),
  );
}

const segmentBytes = ({ segmentLeaves }: BandwidthParams): number => segmentLeaves * LEAF_BYTES;

function madeUp(name: string, content: (params: BandwidthParams, pull: Pull) => Uint8Array): BandwidthLiar {
  return {
    name,
    reasons: ['path'],
    acceptance: () => 0,
    async prove(_devices, challenge) {
      const { params } = challenge;
      const { pulls } = decodeBrief(params, challenge.brief)!; // conformance gives one
      const transcripts = pulls.map((pull) => {
        const transcript = new SourceTranscript();
        const bytes = content(params, pull);
        const digests = new Uint8Array(params.segmentLeaves * HASH_BYTES);
        digestLeaves(bytes, digests);
        for (let segment = 0; segment < params.maxSegments; segment++)
          transcript.append({ digests, signature: new Uint8Array(64) });
        return transcript;
      });
      return rewriting(params, createProving(challenge, pulls, transcripts), (opening) =>
        everySample(opening, withoutBlame),
      );
    },
  };
}

/** A whole transcript of another round: replayed, or a neighbour's. */
export function replaysRound(options: { readonly random: Random }): BandwidthLiar {
  return {
    name: 'answers with what it received under another seed',
    reasons: ['seed'],
    acceptance: () => 0,
    prove: (devices, challenge, signal) =>
      prove(devices, { ...challenge, seed: options.random.bytes(32) }, signal),
  };
}

/** Receives half of what it claims and shows it twice: at twice the rate of its link. */
export const countsTwice: BandwidthLiar = {
  name: 'counts every segment twice',
  reasons: ['path'],
  acceptance: ({ params }) => (Math.ceil(params.maxSegments / 2) / params.maxSegments) ** params.samples,
  prove(devices, challenge, signal) {
    const { maxSegments } = challenge.params;
    const kept: Segment[][] = [];
    return receive(devices, challenge, signal, (segment, _pull, source, index) => {
      const half = Math.ceil(maxSegments / 2);
      if (index < half) kept[source] = [...(kept[source] ?? []), segment];
      return kept[source][index % half];
    });
  },
};

/** An honest receiver whose segments pass through `change` on their way into the transcript. */
async function receive(
  devices: Parameters<Prove>[0],
  challenge: Challenge<BandwidthParams>,
  signal: AbortSignal,
  change: (segment: Segment, pull: Pull, source: number, index: number) => Segment,
): Promise<Proving> {
  const { params } = challenge;
  const { pulls } = decodeBrief(params, challenge.brief)!; // conformance gives one
  const transcripts = pulls.map(() => new SourceTranscript());
  await Promise.all(
    pulls.map((pull, s) =>
      devices.link!.pull(
        { ...pull, host: pull.address },
        params,
        devices,
        (segment) => void transcripts[s].append(change(segment, pull, s, transcripts[s].segments)),
        signal,
      ),
    ),
  );
  return createProving(challenge, pulls, transcripts);
}

/** Liars whose round is honest and whose opening is not what was asked. */
const tampering = (
  name: string,
  reasons: readonly Rejection[],
  rewrite: (opening: Opening, params: BandwidthParams) => Opening,
): BandwidthLiar => ({
  name,
  reasons,
  acceptance: () => 0,
  async prove(devices, challenge, signal) {
    const { params } = challenge;
    return rewriting(params, await prove(devices, challenge, signal), (opening) => rewrite(opening, params));
  },
});

const everySample = (opening: Opening, change: (sample: SampleOpening) => SampleOpening): Opening => ({
  ...opening,
  samples: opening.samples.map(change),
});

const withoutBlame = (sample: SampleOpening): SampleOpening => ({
  ...sample,
  digest: new Uint8Array(0),
  signature: new Uint8Array(0),
});

export const swapsSources = tampering(
  'opens the roots of two sources the other way round',
  ['seed'],
  (opening) => ({
    ...opening,
    sourceRoots: [opening.sourceRoots[1], opening.sourceRoots[0], ...opening.sourceRoots.slice(2)],
  }),
);

export const breaksPath = tampering('breaks a path', ['path'], (opening) =>
  everySample(opening, (sample) => ({ ...sample, path: sample.path.map((byte) => byte ^ 1) })),
);

export const padsPath = tampering('adds a sibling to its paths', ['malformed'], (opening) =>
  everySample(opening, (sample) => ({ ...sample, path: concat(sample.path, new Uint8Array(HASH_BYTES)) })),
);

export const dropsSample = tampering('leaves one sample out', ['malformed'], (opening) => ({
  ...opening,
  samples: opening.samples.slice(1),
}));

export const turnsSamples = tampering(
  'opens the samples in another order',
  ['path', 'malformed'],
  (opening) => ({
    ...opening,
    samples: [...opening.samples.slice(1), opening.samples[0]],
  }),
);

/** Blames its sources for leaves that came as they should: shows the right digest, as if it were a wrong one. */
export const blamesAtRandom = tampering('blames sources for leaves that are right', ['path'], (opening) =>
  everySample(opening, (sample) => ({
    ...sample,
    digest: new Uint8Array(32),
    signature: new Uint8Array(64),
  })),
);

/** Sends bytes that decode to a valid opening and are not its encoding. */
export const spellsOtherwise: BandwidthLiar = {
  name: 'spells a valid opening in another way',
  reasons: ['malformed'],
  acceptance: () => 0,
  async prove(devices, challenge, signal) {
    const proving = await prove(devices, challenge, signal);
    // an unknown field (15, varint 1) that protobuf readers skip
    return {
      ...proving,
      open: async (request) => concat(await proving.open(request), Uint8Array.of(15 << 3, 1)),
    };
  },
};

/** Opens leaves of its own choice. */
export const answersOwnQuestion: BandwidthLiar = {
  name: 'opens leaves of its own choice',
  reasons: ['malformed'],
  acceptance: () => 0,
  async prove(devices, challenge, signal) {
    const { params } = challenge;
    const proving = await prove(devices, challenge, signal);
    return {
      ...proving,
      open(bytes) {
        const segments = new Array<number>(params.sources).fill(params.maxSegments);
        const { keys } = decodeRequest(params, segments, bytes)!; // an honest round receives everything
        return proving.open(
          encodeRequest({
            keys,
            samples: Array.from({ length: params.samples }, () => ({ source: 0, leaf: 0 })),
          }),
        );
      },
    };
  },
};

/** Every liar, with shares that let some pass: what the conformance suite of `bandwidth` meets. */
export const bandwidthLiars = (random: Random): readonly BandwidthLiar[] => [
  inventsLeaves({ share: 0.125, random }),
  inventsLeaves({ share: 0.25, random }),
  inventsLeaves({ share: 0.125, random, as: 'framing' }),
  inventsLeaves({ share: 0.125, random, as: 'borrowed-signature' }),
  regenerates({ from: 'ticket' }),
  regenerates({ from: 'pass' }),
  regenerates({ from: 'keyCommitment' }),
  caches({ random }),
  replaysRound({ random }),
  countsTwice,
  swapsSources,
  breaksPath,
  padsPath,
  dropsSample,
  turnsSamples,
  blamesAtRandom,
  spellsOtherwise,
  answersOwnQuestion,
];

const rewriting = (
  params: BandwidthParams,
  proving: Proving,
  rewrite: (opening: Opening, request: Request) => Opening,
): Proving => ({
  ...proving,
  async open(bytes) {
    const segments = new Array<number>(params.sources).fill(params.maxSegments);
    const opening = decodeOpening(params, segments, await proving.open(bytes))!; // our own prover's
    return encodeOpening(rewrite(opening, decodeRequest(params, segments, bytes)!)); // which has refused what is none
  },
});
