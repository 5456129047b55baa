// Owns: what a miner of each behaviour serves and answers. Does not own: its devices, its process, its keys.
import type { ChainReader } from '../chain/chain.js';
import type { Compute } from '../compute/compute.js';
import type { Answer, MinerParts } from '../miner/miner.js';
import type { Slot, SlotClaim } from '../miner/slot.js';
import type { AssayError } from '../model/errors.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import type { Random } from '../model/prng.js';
import { type ProofKind, UNHURRIED } from '../verification/proof.js';
import {
  createRelayingSlot,
  createReplayingSlot,
  type Leak,
  silentAnswer,
  withForwarding,
  withLeak,
} from './liars/sessions.js';
import type { Behaviour } from './world.js';

/** `slots` and `answer` of a miner, and its ear for what a neighbour leaks. */
export interface SimulatedMiner {
  readonly slots: readonly Slot[];
  readonly answer: (honest: Answer) => Answer;
  leaked(leak: Leak): void;
}

export interface SimulatedMinerInput {
  readonly behaviour: Behaviour;
  readonly netuid: Netuid;
  /** honest slots on devices, already of the behaviour's making (paced, sharing, fabricating) */
  readonly slots: readonly Slot[];
  readonly claim: SlotClaim;
  /** honest-small: where what it sends is leaked to */
  readonly leak?: (leak: Leak) => void;
  /** relays: whose frames it sends */
  readonly neighbour?: Hotkey;
  readonly onForwardRefused?: (refusal: AssayError) => void;
  /** replays: the transcript it made before */
  readonly transcript?: { readonly commit: Uint8Array; readonly opening: Uint8Array };
}

export function simulateMiner(
  parts: Pick<MinerParts, 'log' | 'wire'> & { reader: Pick<ChainReader, 'subnet'> },
  input: SimulatedMinerInput,
): SimulatedMiner {
  const { behaviour, claim, netuid, leak } = input;
  const deaf = () => {};
  const asItIs = (honest: Answer) => honest;

  if (behaviour === 'silent') return { slots: [idle(claim)], answer: () => silentAnswer, leaked: deaf };
  if (behaviour === 'replays') {
    const slot = createReplayingSlot(claim, required(input.transcript, 'transcript'));
    return { slots: [slot], answer: asItIs, leaked: deaf };
  }
  if (behaviour === 'relays') {
    const slot = createRelayingSlot(claim);
    const neighbour = required(input.neighbour, 'neighbour');
    const forwarding = {
      wire: parts.wire,
      log: parts.log,
      onRefused: input.onForwardRefused ?? deaf,
      async neighbour() {
        const { neurons } = await parts.reader.subnet(netuid);
        const axon = neurons.find((neuron) => neuron.hotkey === neighbour)?.axon;
        return axon && { host: axon.ip, port: axon.port };
      },
    };
    return {
      slots: [slot],
      answer: (honest) => withForwarding(honest, forwarding),
      leaked: (each) => slot.leaked(each),
    };
  }
  return {
    slots: input.slots,
    answer: leak ? (honest) => (session) => honest(withLeak(session, leak)) : asItIs,
    leaked: deaf,
  };
}

/** One valid transcript under a seed of the liar's own choosing: commit and an opening for samples of its own. */
export async function makeTranscript<Params, Secret>(
  parts: {
    kind: ProofKind<Params, Secret>;
    compute: Compute;
    random: Random;
  },
  params: Params,
): Promise<{ commit: Uint8Array; opening: Uint8Array }> {
  const { kind, compute, random } = parts;
  const challenge = { params, basis: random.bytes(32), seed: random.bytes(32) };
  const proving = await kind.prove({ compute, ...UNHURRIED }, challenge, new AbortController().signal);
  try {
    return {
      commit: proving.commit,
      opening: await proving.open(kind.issue(params, [proving.commit], random)),
    };
  } finally {
    proving.release();
  }
}

/** Claimed, never worked on. */
const idle = (claim: SlotClaim): Slot => ({ claim, start: () => new Promise(() => {}) });

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new TypeError(`simulated miner: expected ${what}, got nothing`);
  return value;
}
