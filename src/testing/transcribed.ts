// Owns: of each kind one session at a size that a plain verifier judges in seconds, honest or by a cheat of its conformance suite:
// for whoever writes a verifier of his own and wants to compare. Does not own: the cheats (liars/), the form (verification/transcript-line.ts).
import { createPackedCompute } from '../compute/cpu/packed.js';
import { createMemoryDisk } from '../compute/disk/memory.js';
import { createPlainHost } from '../compute/host/plain.js';
import { createSeededRandom, type Random } from '../model/prng.js';
import {
  type BandwidthParams,
  paramsByClass as linkByClass,
} from '../verification/kinds/bandwidth/params.js';
import { paramsByClass as computeByClass } from '../verification/kinds/compute/params.js';
import { hostMemoryParamsByClass } from '../verification/kinds/host-memory/params.js';
import { kinds } from '../verification/kinds/index.js';
import { livenessParamsByClass } from '../verification/kinds/liveness/params.js';
import { memoryParamsByClass } from '../verification/kinds/memory/params.js';
import { storageParamsByClass } from '../verification/kinds/storage/params.js';
import { type Pace, UNHURRIED } from '../verification/proof.js';
import type { Liar } from './conformance/proof.js';
import { bandwidthLiars, instantRound } from './liars/bandwidth.js';
import { computeLiars } from './liars/compute.js';
import { hostMemoryLiars } from './liars/host-memory.js';
import { livenessLiars } from './liars/liveness.js';
import { memoryLiars } from './liars/memory.js';
import { storageLiars } from './liars/storage.js';
import { type PlayedProof, playProof } from './transcripts.js';

interface Transcribed {
  readonly params: unknown;
  /** labels of the first step; all that there is room for without it */
  readonly steps?: number;
  /** each takes parameters of its own kind */
  liars(random: Random): readonly Liar<never>[];
}

const TRANSCRIBED: Readonly<Record<string, Transcribed>> = {
  compute: { params: computeByClass('paced')!, steps: 48, liars: computeLiars },
  memory: { params: memoryParamsByClass('paced-memory')!, steps: 48, liars: memoryLiars },
  'host-memory': {
    params: hostMemoryParamsByClass('host-small')!,
    liars: (random) => hostMemoryLiars(random),
  },
  bandwidth: { params: linkByClass('paced')!, liars: bandwidthLiars },
  storage: { params: storageParamsByClass('small')!, liars: storageLiars },
  liveness: { params: livenessParamsByClass('live-small')!, liars: livenessLiars },
};

export const transcribedKinds: readonly string[] = Object.keys(TRANSCRIBED);

/** `keeps 5 % of it` as it can be typed: `keeps-5-percent-of-it` */
const typed = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll('%', 'percent')
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^-|-$/g, '');

/** The cheats of a kind, as `transcribe` takes them. */
export const cheatsOf = (kind: string): readonly string[] => [
  ...new Set((TRANSCRIBED[kind]?.liars(createSeededRandom('names')) ?? []).map(({ name }) => typed(name))),
];

/**
 * The same session for the same seed, whenever and wherever.
 * @param of.cheat one of `cheatsOf`. @default an honest prover
 */
export async function transcribe(of: {
  readonly kind: string;
  readonly seed: string;
  readonly cheat?: string | undefined;
}): Promise<PlayedProof<unknown>> {
  const { kind: name, cheat, seed } = of;
  const kind = kinds[name];
  const subject = TRANSCRIBED[name];
  if (!kind || !subject)
    throw new RangeError(`kind: expected one of ${transcribedKinds.join(', ')}, got ${name}`);
  const { params, steps } = subject;
  const random = createSeededRandom(`${seed}/transcript/${name}/${cheat ?? 'honest'}`);
  const liar =
    cheat === undefined
      ? undefined
      : subject.liars(random.fork('liar')).find((each) => typed(each.name) === cheat);
  if (cheat !== undefined && !liar)
    throw new RangeError(`cheat: expected one of ${cheatsOf(name).join(', ')}, got ${cheat}`);
  const round =
    name === 'bandwidth' ? instantRound(params as BandwidthParams, random.fork('round')) : undefined;
  const challenge = {
    params,
    basis: random.bytes(32),
    seed: random.bytes(32),
    ...(round ? { brief: round.brief } : { place: random.bytes(32) }),
  };
  const devices = {
    compute: createPackedCompute(),
    host: createPlainHost(),
    disk: createMemoryDisk({ sectors: 23 }),
    ...round?.devices,
  };
  const parts = { kind, devices, random, pace: steps === undefined ? UNHURRIED : inSteps(steps) };
  // a liar of this kind takes its parameters
  const prove = liar?.prove.bind(liar) as typeof kind.prove | undefined;
  return playProof({ ...parts, ...(round ? { kept: round.kept } : {}) }, challenge, prove ?? kind.prove);
}

/** Each look at the time is a step: the same number of labels on every machine. */
function inSteps(most: number): Pace {
  let left = most;
  return { leftMs: () => 10 * left-- };
}
