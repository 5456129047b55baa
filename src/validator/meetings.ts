// Owns: what slots that work with one another are told at their Go, and what the whole of it shows. Does not own: who meets
// whom, and what that is worth (verification).
import type { Devices } from '../compute/compute.js';
import { compare, u32le, utf8 } from '../model/bytes.js';
import { type Credit, creditShare, RESOURCES } from '../model/credit.js';
import { sha256 } from '../model/hash.js';
import type { Random } from '../model/prng.js';
import type { Briefing, Participant } from '../verification/proof.js';
import type { Task } from './assign.js';
import type { EventFrame, Meetings } from './dispatch.js';
import type { Judged } from './judge.js';

const TURN = utf8('assay/1/round-turn');

/**
 * Whose round it is at an event: slots that all measure with one another cannot do so for two validators at once. Drawn from
 * the event, so that all agree and nobody knows long before.
 * @param validators 32-byte public keys of all that hold a permit, in any order
 */
export function turnOf(eventId: Uint8Array, validators: readonly Uint8Array[]): Uint8Array | undefined {
  const inOrder = [...validators].sort(compare);
  // 48 bits: the remainder's bias is below validators / 2^48
  const draw = Buffer.from(sha256(TURN, eventId, u32le(inOrder.length))).readUIntBE(0, 6);
  return inOrder[draw % Math.max(1, inOrder.length)];
}

/** A source of the validator's own: it gives in every round, and takes nothing. */
export interface Anchor {
  /** textual address that hosts reach it at */
  readonly address: string;
  readonly devices: Devices;
}

/** @param parts.self 32-byte public key of this validator */
export function createMeetings(
  parts: {
    random: Random;
    publicKeyOf: (address: string) => Uint8Array;
    self: Uint8Array;
    anchors?: readonly Anchor[] | undefined;
  },
  event: Pick<EventFrame, 'id' | 'ordinal'>,
  signal: AbortSignal = new AbortController().signal,
): Meetings {
  const offers = new Map<Task, Uint8Array>();
  const drawn = new Map<string, Map<Task, Briefing | undefined>>();

  function draw(key: string, of: Task, beacon: Uint8Array): Map<Task, Briefing | undefined> {
    const tasks = [...offers.keys()].filter((task) => keyOf(task) === key);
    const participants = tasks.map(
      (task): Participant => ({
        hotkey: parts.publicKeyOf(task.neuron.hotkey),
        coldkey: parts.publicKeyOf(task.neuron.coldkey),
        slot: task.claim.index,
        address: task.neuron.axon!.ip, // the roster holds only neurons that serve one
        offer: offers.get(task)!,
      }),
    );
    const round = of.kind.round!;
    const own = round.anchor ? (parts.anchors ?? []) : [];
    const anchors = own.map(({ address, devices }, slot): Participant => {
      const offer = round.offer(devices, of.params);
      return { hotkey: parts.self, coldkey: parts.self, slot, address, offer };
    });
    const { participants: briefings, anchors: told } = round.brief(
      of.params,
      { eventId: event.id, beacon, validator: parts.self, participants, anchors },
      parts.random.fork(`${event.ordinal}/round/${key}`),
    );
    for (const [i, { devices }] of own.entries())
      if (told[i]) round.anchor!(devices, of.params, told[i], signal); // those that have one
    return new Map(tasks.map((task, i) => [task, briefings[i]]));
  }

  /** Whatever its code: that we could not draw is no fault of the slot whose Go asked first. */
  function drawOrFail(...of: Parameters<typeof draw>): ReturnType<typeof draw> {
    try {
      return draw(...of);
    } catch (cause) {
      throw new Error('the round was not drawn', { cause });
    }
  }

  return {
    ready(task, offer) {
      if (task.kind.round) offers.set(task, offer);
    },
    briefing(task, beacon) {
      const { round } = task.kind;
      if (!round) return undefined;
      const offer = offers.get(task);
      // bytes that are none would pass for a slot that nobody can meet, and be excused
      if (!offer?.length || round.isOffer?.(offer) === false) return 'no-offer';
      const key = keyOf(task);
      const all = drawn.get(key) ?? drawOrFail(key, task, beacon);
      drawn.set(key, all);
      // who was ready only when it had been drawn was late, as whoever was not ready at all
      return all.has(task) ? (all.get(task) ?? 'alone') : 'no-offer';
    },
  };
}

/**
 * What each slot is credited when all of its round are judged: its own commits, and what those of others show of it.
 * @param judged of one event, whatever came of it; of kinds without a round nothing changes
 */
export function settleRounds(
  judged: readonly Judged[],
  publicKeyOf: (address: string) => Uint8Array,
): readonly Judged[] {
  const settled = new Map<Judged, Judged>();
  const rounds = new Map<string, Judged[]>();
  for (const each of judged) {
    const { task, brief } = each.played;
    if (!task.kind.round || !brief) continue;
    const key = keyOf(task);
    rounds.set(key, [...(rounds.get(key) ?? []), each]);
  }
  for (const each of rounds.values()) {
    const { kind, params, facts } = each[0]!.played.task;
    const reports = each.map(({ played, verdict }) => ({
      hotkey: publicKeyOf(played.task.neuron.hotkey),
      slot: played.task.claim.index,
      told: played.brief!,
      commits: verdict.kind === 'accepted' ? played.commits.map(({ body }) => body) : undefined,
    }));
    for (const [i, more] of kind.round!.settle(params, reports).entries()) {
      const before = each[i]!;
      if (before.verdict.kind !== 'accepted') continue;
      const credit = sum(before.credit, more);
      settled.set(before, { ...before, credit, share: creditShare(credit, facts.nominal) });
    }
  }
  return judged.map((each) => settled.get(each) ?? each);
}

const keyOf = ({ claim }: Task): string => `${claim.kind}/${claim.paramsId}`;

function sum(a: Credit, b: Credit): Credit {
  const named = RESOURCES.filter((resource) => a[resource] !== undefined || b[resource] !== undefined);
  return Object.fromEntries(named.map((resource) => [resource, (a[resource] ?? 0) + (b[resource] ?? 0)]));
}
