// Owns: what stands behind the demo's slots: kind, class and speed of each prover by name, the same in processes and in one process.
// Does not own: who has how many of them (world.ts), how a device is reached.
import type { Compute } from '../compute/compute.js';
import { createPackedCompute } from '../compute/cpu/packed.js';
import { createReferenceCompute } from '../compute/cpu/reference.js';
import type { Link } from '../compute/link.js';
import type { SlotClaim } from '../miner/slot.js';
import { createLocalSlot, type Slot } from '../miner/slot.js';
import type { Clock } from '../model/clock.js';
import type { Random } from '../model/prng.js';
import { paramsId } from '../verification/checked-params.js';
import {
  type BandwidthParams,
  paramsByClass as linkByClass,
} from '../verification/kinds/bandwidth/params.js';
import { type ComputeParams, paramsByClass } from '../verification/kinds/compute/params.js';
import { type AnyProofKind, bandwidthProof, computeProof, memoryProof } from '../verification/kinds/index.js';
import { type MemoryParams, memoryParamsByClass } from '../verification/kinds/memory/params.js';
import type { ProofKind } from '../verification/proof.js';
import { createPacedDevice } from './devices/paced.js';
import { inventsLeaves } from './liars/bandwidth.js';
import { fabricatesRows } from './liars/compute.js';
import { inventsDigests } from './liars/memory.js';

export const PROVERS = ['honest', 'fabricates-rows', 'honest-memory', 'invents-digests'] as const;
export type ProverName = (typeof PROVERS)[number];

/** Share of rows that `fabricates-rows` skips: accepted with probability 0.75^64, about 1e-8. */
export const FABRICATED_SHARE = 0.25;
/** Of each step: simulated hosts share one machine, and its timers are late when it is busy. */
const RESERVE = 0.25;
/** Share of blocks that `invents-digests` does not have: accepted with probability 0.5^32. */
const INVENTED_SHARE = 0.5;

/** Paced classes of both kinds declare what they can do. */
type Paced = Pick<ComputeParams, 'paceOpsPerS'> & Partial<Pick<MemoryParams, 'paceBytesPerS'>>;

interface Prover {
  readonly kind: AnyProofKind;
  readonly params: Paced;
  readonly paramsId: Uint8Array;
  /** of what the class declares: a liar skips work because its device is slower */
  readonly speed: number;
}

const required = <T>(params: T | undefined): T => {
  if (!params) throw new RangeError('parameter table: expected the classes of simulated devices');
  return params;
};

function proverOf(name: ProverName, random: Random): Prover {
  const prover = <P extends Paced, S>(kind: ProofKind<P, S>, params: P, speed = 1): Prover => ({
    kind: kind as unknown as AnyProofKind, // it gets back what came from it
    params,
    paramsId: paramsId(params),
    speed,
  });
  const compute = required(paramsByClass('paced'));
  const memory = required(memoryParamsByClass('paced-memory'));
  if (name === 'honest') return prover(computeProof, compute);
  if (name === 'honest-memory') return prover(memoryProof, memory);
  if (name === 'fabricates-rows') {
    const { prove } = fabricatesRows({ share: FABRICATED_SHARE, random });
    return prover({ ...computeProof, prove }, compute, 1 - FABRICATED_SHARE);
  }
  const { prove } = inventsDigests({ share: INVENTED_SHARE });
  return prover({ ...memoryProof, prove }, memory);
}

/** What a miner with this prover claims. */
export function demoClaim(name: ProverName, index: number, worker: string): SlotClaim {
  const { kind, paramsId: id } = proverOf(name, { bytes: noDraw, below: noDraw, fork: noDraw });
  return { index, worker, kind: kind.kind, paramsId: id };
}

const noDraw = (): never => {
  throw new TypeError('a claim draws nothing');
};

/** Slots on one simulated device of that prover's class and speed, numbered from 0. */
export function demoDevice(
  name: ProverName,
  options: {
    readonly slots: number;
    readonly worker: string;
    readonly clock: Clock;
    readonly random: Random;
    /** what really computes behind the pace. @default this thread */
    readonly inner?: Compute;
  },
): Slot[] {
  const { kind, params, paramsId: id, speed } = proverOf(name, options.random);
  const { clock, worker, inner = createPackedCompute() } = options;
  const compute = createPacedDevice(inner, {
    clock,
    opsPerS: params.paceOpsPerS * speed,
    ...(params.paceBytesPerS ? { bytesPerS: params.paceBytesPerS } : {}),
  });
  return Array.from({ length: options.slots }, (_, index) =>
    createLocalSlot({ compute, kind, params, paramsId: id, clock, reserve: RESERVE }, { index, worker }),
  );
}

export const LINKS = ['honest', 'invents-leaves'] as const;
export type LinkName = (typeof LINKS)[number];

/** Of the leaves of every segment; accepted with probability 0.75^64. */
const INVENTED_LEAVES = 0.25;

/** What a host's link to its peers carries each way, in processes too: the class's nominal rate. */
export const linkRates = (): { readonly upBytesPerS: number; readonly downBytesPerS: number } => {
  const { nominalBytesPerS: rate } = pacedLink();
  return { upBytesPerS: rate, downBytesPerS: rate };
};

const pacedLink = (): BandwidthParams => required(linkByClass('paced'));

/** The slot that is a host's link, beside those of its devices. */
export function demoLinkSlot(
  name: LinkName,
  parts: { readonly link: Link; readonly clock: Clock; readonly random: Random },
  place: { readonly index: number; readonly worker: string },
): Slot {
  const params = pacedLink();
  const { link, clock, random } = parts;
  const lies = inventsLeaves({ share: INVENTED_LEAVES, random });
  const kind = name === 'honest' ? bandwidthProof : { ...bandwidthProof, prove: lies.prove };
  const compute = createReferenceCompute(); // never asked
  return createLocalSlot(
    { compute, link, kind, params, paramsId: paramsId(params), clock, reserve: RESERVE },
    place,
  );
}

/** What a connection to such a device must know of its sessions. */
export const demoPhases = (name: ProverName): ReturnType<AnyProofKind['facts']>['phases'] => {
  const { kind, params } = proverOf(name, { bytes: noDraw, below: noDraw, fork: noDraw });
  return kind.facts(params).phases;
};
