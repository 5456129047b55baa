// Owns: what slots that work with one another are told at their Go, and what the whole of it shows. Does not own: who meets
// whom, and what that is worth (verification).
import { type Credit, creditShare, RESOURCES } from '../model/credit.js';
import type { Random } from '../model/prng.js';
import type { Rejection } from '../model/verdict.js';
import type { Briefing, Participant, Report } from '../verification/proof.js';
import { type Anchors, keyOf } from './anchors.js';
import type { Task } from './assign.js';
import type { EventFrame, Meetings } from './dispatch.js';
import type { Judged } from './judge.js';
import { faultOf, type OfferedPort, type Reach, type Sight } from './reach.js';

/**
 * @param parts.self 32-byte public key of this validator
 * @param parts.reach without one every port counts as seen
 */
export function createMeetings(
  parts: {
    random: Random;
    publicKeyOf: (address: string) => Uint8Array;
    self: Uint8Array;
    anchors?: Anchors | undefined;
    reach?: Reach | undefined;
  },
  event: Pick<EventFrame, 'id' | 'ordinal'>,
): Meetings {
  const offers = new Map<Task, Uint8Array>();
  const sights = new Map<Task, Sight>();
  const drawn = new Map<string, Map<Task, Briefing | 'alone' | Rejection> | Error>();

  /** What everybody of the round is told, or why not. */
  function draw(key: string, of: Task, beacon: Uint8Array): Map<Task, Briefing | 'alone' | Rejection> {
    const ready = [...offers.keys()].filter((task) => keyOf(task) === key);
    const left = new Map(ready.map((task) => [task, leftOut(task)] as const));
    // others would be sent to a port that nobody has seen to be the slot's
    const tasks = ready.filter((task) => left.get(task) === undefined);
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
    const anchors = parts.anchors?.participants(of) ?? [];
    const { participants: briefings, anchors: told } = round.brief(
      of.params,
      { eventId: event.id, beacon, validator: parts.self, participants, anchors },
      parts.random.fork(`${event.ordinal}/round/${key}`),
    );
    parts.anchors?.begin(of, told);
    const met = new Map(tasks.map((task, i) => [task, briefings[i]] as const));
    return new Map(ready.map((task) => [task, left.get(task) ?? met.get(task) ?? 'alone'] as const));
  }

  function leftOut(task: Task): 'alone' | Rejection | undefined {
    const port = portOf(task, offers.get(task)!);
    if (!parts.reach || !port) return undefined;
    const sight = parts.reach.sightOf(port);
    if (!sight) return 'alone'; // we did not come to it
    sights.set(task, sight);
    return faultOf(sight);
  }

  /** Whatever its code: that we could not draw is no fault of the slot whose Go asked first. Once, or all Go would wait for each try. */
  function drawOnce(...[key, of, beacon]: Parameters<typeof draw>): ReturnType<typeof draw> {
    let all = drawn.get(key);
    if (!all) {
      try {
        all = draw(key, of, beacon);
      } catch (cause) {
        all = new Error('the round was not drawn', { cause });
      }
      drawn.set(key, all);
    }
    if (all instanceof Error) throw all;
    return all;
  }

  return {
    ready(task, offer) {
      if (!task.kind.round) return;
      offers.set(task, offer);
      const port = portOf(task, offer);
      if (port) parts.reach?.look(port);
    },
    sightOf: (task) => sights.get(task),
    briefing(task, beacon) {
      const { round } = task.kind;
      if (!round) return undefined;
      const offer = offers.get(task);
      // bytes that are none would pass for a slot that nobody can meet, and be excused
      if (!offer?.length || round.isOffer?.(offer) === false) return 'no-offer';
      const all = drawOnce(keyOf(task), task, beacon);
      // who was ready only when it had been drawn was late, as whoever was not ready at all
      return all.get(task) ?? 'no-offer';
    },
  };
}

/**
 * What each slot is credited when all of its round are judged: its own commits, and what those of others show of it.
 * @param judged of one event, whatever came of it; of kinds without a round nothing changes
 * @param own what this validator's own ends saw, by a task of the round
 */
export function settleRounds(
  judged: readonly Judged[],
  publicKeyOf: (address: string) => Uint8Array,
  own: (of: Task) => readonly Report[] = () => [],
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
    const { task } = each[0]!.played;
    const { kind, params, facts } = task;
    const reports = each.map(({ played, verdict }) => ({
      hotkey: publicKeyOf(played.task.neuron.hotkey),
      slot: played.task.claim.index,
      told: played.brief!,
      commits: verdict.kind === 'accepted' ? played.commits.map(({ body }) => body) : undefined,
    }));
    const all = [...reports, ...own(task)];
    for (const [i, more] of kind.round!.settle(params, all).slice(0, each.length).entries()) {
      const before = each[i]!;
      if (before.verdict.kind !== 'accepted') continue;
      const credit = sum(before.credit, more);
      settled.set(before, { ...before, credit, share: creditShare(credit, facts.nominal) });
    }
  }
  return judged.map((each) => settled.get(each) ?? each);
}

function portOf({ kind, neuron: { hotkey, axon } }: Task, offer: Uint8Array): OfferedPort | undefined {
  const port = kind.round?.port?.(offer);
  return port === undefined || !axon ? undefined : { hotkey, ip: axon.ip, port };
}

function sum(a: Credit, b: Credit): Credit {
  const named = RESOURCES.filter((resource) => a[resource] !== undefined || b[resource] !== undefined);
  return Object.fromEntries(named.map((resource) => [resource, (a[resource] ?? 0) + (b[resource] ?? 0)]));
}
