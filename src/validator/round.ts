// Owns: the corridor of one event: roster, assign, dispatch, judge, record, receipts. Does not own: any step of it.
import type { ChainInfo, Neuron, Subnet } from '../chain/chain.js';
import { equals, toHex } from '../model/bytes.js';
import { type Clock, withTimeout } from '../model/clock.js';
import { NO_CREDIT } from '../model/credit.js';
import type { Hotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Outcome } from '../model/outcome.js';
import type { Random } from '../model/prng.js';
import { noTracer, type Tracer, traced } from '../model/trace.js';
import { inconclusive, rejected, verdictToString } from '../model/verdict.js';
import { phasesMs } from '../parameters/phases.js';
import { SESSION_LIMITS } from '../protocol/limits.js';
import type { FrameBody, MinerPeer, ProofSession } from '../protocol/session.js';
import type { Phase } from '../verification/proof.js';
import { type Anchor, createAnchors } from './anchors.js';
import { assign, type ProofKinds, type Task } from './assign.js';
import type { Asked } from './calendar.js';
import {
  type Beacon,
  CREDITED_DELAY,
  type EventFrame,
  hasPass,
  type Played,
  play,
  READ_GRACE_MS,
} from './dispatch.js';
import { createJudge, type Judge, type Judged } from './judge.js';
import type { OutcomeEntry } from './ledger/entries.js';
import type { Ledger } from './ledger/ledger.js';
import { createLineUp } from './line-up.js';
import type { HeardMaintenance } from './maintenance.js';
import { createMeetings, settleRounds } from './meetings.js';
import { createOpeningGate } from './opening-gate.js';
import type { OwnDelay } from './own-delay.js';
import { toNote } from './queue/recover.js';
import type { Reach } from './reach.js';
import { toOutcomeEntry, toReceipt } from './record.js';
import { type ClaimBook, type RosterMaintenance, roster } from './roster.js';
import { MOST_LEAD_MS } from './schedule.js';
import { turnHolders, turnOf } from './turns.js';
import type { SessionOutcome, Verifiers } from './verifiers.js';

export interface RoundParts {
  readonly peerOf: (neuron: Neuron) => MinerPeer;
  readonly publicKeyOf: (hotkey: string) => Uint8Array;
  readonly kinds: ProofKinds;
  readonly claims: ClaimBook;
  readonly ledger: Pick<Ledger, 'append' | 'saveParams'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly ownDelay: OwnDelay;
  /** @default none */
  readonly anchors?: readonly Anchor[] | undefined;
  /** @default ports that slots offer to others are not asked */
  readonly reach?: Reach | undefined;
  /** @default this thread */
  readonly verifiers?: Verifiers | undefined;
  /** @default nothing is traced */
  readonly tracer?: Tracer | undefined;
  /** What is heard of declared maintenance. @default nobody is ever in it */
  readonly maintenance?:
    | (Pick<HeardMaintenance, 'statementOf'> & Pick<RosterMaintenance, 'hear'>)
    | undefined;
  readonly log: Log;
}

export interface Event extends EventFrame {
  readonly netuid: number;
  /** the chain's epoch index */
  readonly epoch: number;
  /** we must have come to the event this long before its block, ms: or its slots could not be armed, by our fault */
  readonly minLeadMs: number;
  /**
   * Who takes turns with rounds that one validator runs at a time, by a state that is the same for all; undefined where it
   * could not be read. @default whoever validates by the subnet's
   */
  readonly turns?: Promise<readonly Hotkey[] | undefined>;
  /** Whether all of it is one validator's, and not only rounds. @default false */
  readonly byTurn?: boolean | undefined;
  /** Of a check: its phases are over within this, or they would reach into the next event, ms. @default any that sessions may have */
  readonly withinMs?: number | undefined;
  /** what the plan asks of whom. @default every slot what it can do */
  readonly asked?: Asked | undefined;
  /** false when the chain has another block in the place of the event's, or of the Pass's where that was seen, by now */
  isStillCanonical(beacon: Uint8Array, pass: Uint8Array | undefined): Promise<boolean>;
}

/** A miner may take this long to close its side after the receipt. */
const CLOSE_MS = 2000;

/** Complete and judged, but its credit hangs on others of its round. */
interface Unsettled {
  readonly judged: Judged;
}

/** What is left of a session once its outcome is in the journal: the bytes of its opening are not. */
interface Settled {
  readonly outcome: Outcome;
  /** where it had a Pass */
  readonly passed: boolean;
  readonly receipt: FrameBody;
  readonly session: ProofSession;
  readonly drain: () => Promise<void>;
}

/**
 * Plays, judges and records one event.
 * @returns one outcome per task; none where nobody claimed a slot that we know, and then the event does not count
 * @throws when the event does not count because we failed: its block was missed, our Go left too late, our event loop
 *   stalled and nobody committed in time, or we are stopping
 */
export async function runEvent(
  parts: RoundParts,
  input: { event: Event; subnet: Subnet; chain: Pick<ChainInfo, 'type' | 'blockTimeMs'>; self: Hotkey },
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const { ledger, kinds, clock, log, tracer = noTracer } = parts;
  const { event, subnet, chain, self } = input;
  const cameAt = clock.monotonic();
  const { asked, byTurn = false } = event;
  const facts = {
    event: toHex(event.id),
    epoch: event.epoch,
    block: event.block,
    basis: event.basis,
    ...(asked?.purpose === 'liveness' ? { liveness: true } : {}),
    ...(asked?.sample ? { sample: asked.sample } : {}),
  };
  const ownKey = parts.publicKeyOf(self);
  const ourTurn = isOurTurn();
  ourTurn.catch(() => {}); // nobody may have a slot that asks for it
  if (byTurn && !(await ourTurn)) return await leaveToOthers();
  await ledger.append({ type: 'event-started', ...facts, beacon: undefined });

  // who has not described itself by the Go is taken at its last word: everybody's verdicts wait for nobody
  const gone = event.go.then(
    () => {},
    () => {},
  );
  const tasks: Task[] = [];
  const miners = new Set<Hotkey>();
  let judge: Judge | undefined;
  const sessions = new Set<ProofSession>();
  const cancelAll = () => {
    for (const session of sessions) session.cancel();
  };
  signal.addEventListener('abort', cancelAll, { once: true });
  const gate = createOpeningGate({
    total: SESSION_LIMITS.openingBytesInFlight,
    perMiner: SESSION_LIMITS.openingBytesPerMiner,
    miners: () => miners.size,
  });
  const lastSentAt: Record<Phase['from'], number> = {
    go: Number.NEGATIVE_INFINITY,
    pass: Number.NEGATIVE_INFINITY,
  };
  let goFlushMs = 0;
  const onSent = (frame: Phase['from'], at: number) => {
    lastSentAt[frame] = Math.max(lastSentAt[frame], at);
  };
  const needsPass = () => tasks.some(({ facts }) => hasPass(facts));
  const windowOver = (async () => {
    const go = await event.go.catch(() => undefined);
    if (go) await phasesOver('go', go);
    const pass = go && needsPass() ? await event.pass.catch(() => undefined) : undefined;
    if (pass) await phasesOver('pass', pass);
  })();
  const goLine = createLineUp(clock, event.go);
  const passLine = createLineUp(clock, event.pass);
  const anchors = createAnchors({ clock, self: ownKey, anchors: parts.anchors }, signal);
  const meetings = createMeetings({ ...parts, self: ownKey, anchors }, event);

  const { maintenance } = parts;
  const heard = maintenance && {
    hear: maintenance.hear,
    isAway: (miner: Hotkey, worker: string) =>
      maintenance.statementOf(miner, worker, event.block) !== undefined,
  };

  try {
    const played = await Promise.all(
      roster({ ...parts, maintenance: heard }, { subnet, self, until: gone }, signal).map(
        async ({ neuron, peer, claims }) => {
          const claimed = await claims;
          // read beside the first words of miners; whose slots meet nobody are not kept waiting for it
          const isOurTurn = claimed.some(({ kind }) => kinds[kind]?.round) && (await ourTurn);
          const wanted = claimed.filter((claim) => asked?.asks(neuron.hotkey, claim) ?? true);
          const { hold, withinMs } = event;
          const declaredOf = (worker: string) => maintenance?.statementOf(neuron.hotkey, worker, event.block);
          const rules = { chain, hold, withinMs, isOurTurn, declaredOf, log };
          const own = assign(kinds, rules, neuron, wanted);
          tasks.push(...own);
          if (own.length > 0) miners.add(neuron.hotkey);
          return Promise.all(own.map((task) => playAndRecord(peer, task)));
        },
      ),
    );
    const { hash: beacon, seenAt } = await event.go;
    const leadMs = seenAt - cameAt;
    // no peer has a hand in this time: too short to arm slots, or so long that every miner has given up on our Go
    if (leadMs < event.minLeadMs || leadMs > MOST_LEAD_MS)
      throw new Error(`our own delay: ${Math.round(leadMs)} ms between Arm and the event's block`);
    const settled = await conclude(played.flat(), beacon);
    // told, never credited and no excuse: a miner that reads slowly can make it as long as it likes
    const lineMs = Math.round(Math.max(goLine.lengthMs(), passLine.lengthMs()));
    log.info('go written to sockets', { block: event.block, lineMs, longestMs: Math.round(goFlushMs) });
    for (const each of settled) void settle(each);
    return settled.map(({ outcome }) => outcome);
  } catch (error) {
    cancelAll(); // no receipt will come
    throw error;
  } finally {
    signal.removeEventListener('abort', cancelAll);
    judge?.close();
  }

  async function isOurTurn(): Promise<boolean> {
    const holders = event.turns ? await event.turns : turnHolders(subnet);
    if (!holders) log.warn('rounds left out: whose turn it is could not be read', { block: event.block });
    if (!holders) return false;
    const turn = turnOf(event.id, holders.map(parts.publicKeyOf));
    return turn === undefined || equals(turn, ownKey);
  }

  /** Nothing is measured here, and that is no failure of ours: scoring must know that there was an event. */
  async function leaveToOthers(): Promise<readonly Outcome[]> {
    if (asked?.purpose === 'liveness') return [];
    await ledger.append({ type: 'event-started', ...facts, beacon: undefined });
    const { hash: beacon } = await event.go;
    await ledger.append({ type: 'event-completed', ...facts, beacon, ourTurn: false });
    return [];
  }

  async function phasesOver(from: Phase['from'], { seenAt }: Beacon): Promise<void> {
    const longestMs = () => tasks.reduce((most, { facts }) => Math.max(most, phasesMs(facts, from)), 0);
    const overAt = () =>
      Math.max(seenAt, lastSentAt[from]) + longestMs() * (1 + CREDITED_DELAY) + READ_GRACE_MS;
    while (clock.monotonic() < overAt() && !signal.aborted)
      await clock.sleep(overAt() - clock.monotonic(), signal);
  }

  /** A complete opening is judged and written down at once, so that nobody has to hold it; all else waits for the end. */
  async function playAndRecord(peer: MinerPeer, task: Task): Promise<Played | Unsettled | Settled> {
    const { ip } = task.neuron.axon!; // the roster holds only neurons that serve one
    const place = { go: goLine.enter(ip), pass: passLine.enter(ip) };
    for (const each of Object.values(place)) each.catch(() => {}); // the session may be over before it looks
    const { kind, index: slot } = task.claim;
    const about = { kind, slot, miner: task.neuron.hotkey, block: event.block };
    const windowMs = phasesMs(task.facts, 'go');
    const span = tracer.start('session', { ...about, windowMs }, event.traceparent);
    const { traceparent } = span;
    const played = await play(
      { ...parts, peer, gate, meetings, sessions, onSent, windowOver },
      { ...event, ...place, traceparent },
      task,
    ).catch((error: unknown) => {
      span.end(error);
      throw error;
    });
    goFlushMs = Math.max(goFlushMs, played.go?.flushMs ?? 0);
    try {
      // whatever came of an opening does not depend on the rest of the event
      if (played.takenFrom === undefined || signal.aborted) return played;
      const { hash: beacon } = await event.go;
      judge ??= judgeOf(beacon);
      const judging = judge;
      const verification = tracer.start('verification', about, traceparent);
      const judged = await traced(verification, () => judging.judge(played));
      span.set('verdict', verdictToString(judged.verdict));
      // a thread that we ended says nothing about anybody
      if (signal.aborted) return played;
      if (task.kind.round) return { judged };
      const settled = await record(judged, beacon);
      played.forget();
      return settled;
    } finally {
      played.release();
      if (played.end) span.set('verdict', verdictToString(played.end));
      span.end();
    }
  }

  async function conclude(
    all: readonly (Played | Unsettled | Settled)[],
    beacon: Uint8Array,
  ): Promise<Settled[]> {
    // what broke while we were stopping says nothing about anybody
    signal.throwIfAborted();
    if (all.length === 0) return [];
    const unopened = all.filter((each) => 'task' in each);
    const unsettled = all.flatMap((each) => ('judged' in each ? [each.judged] : []));
    const settled = all.filter((each) => 'outcome' in each);
    // one session must not be excused for what others managed: a miner could bring the excuse about, and be paid for it;
    // only accepted work shows that it could be managed, or one liar's instant Commit would void every excuse. What a slot
    // without a Pass managed says nothing about the Pass
    const managedBy = (reached: Phase['from']): ReadonlySet<Hotkey> =>
      new Set([
        ...settled.flatMap(({ outcome, passed }) =>
          outcome.verdict.kind === 'accepted' && (passed || reached === 'go') ? [outcome.miner] : [],
        ),
        ...unsettled.flatMap(({ played, verdict }) =>
          verdict.kind === 'accepted' && reached === 'go' ? [played.task.neuron.hotkey] : [],
        ),
      ]);
    const managed = { go: managedBy('go'), pass: managedBy('pass') };
    if (unopened.some(isInDoubt) && managed.go.size === 0)
      throw new Error('our own delay: nobody was in time');
    const pass = needsPass() ? (await event.pass.catch(() => undefined))?.hash : undefined;
    if (!(await event.isStillCanonical(beacon, pass)))
      throw new Error("the event's block is not on the chain any more");
    judge ??= judgeOf(beacon);
    // a Pass that nobody managed says nothing about whoever had none: it costs those alone that had one, and costs them nothing
    const ourLine = { go: wasTooLong('go'), pass: wasTooLong('pass') };
    const ended = unopened.map((played): Played => {
      const { reached, behindLine } = played;
      if (isInDoubt(played) && managed[reached].size > 0) return { ...played, end: rejected('window') };
      if (behindLine && ourLine[reached]) return { ...played, end: inconclusive('validator-late') };
      return played;
    });
    for (const played of ended) unsettled.push(await judge.judge(played));
    for (const judged of settleRounds(unsettled, parts.publicKeyOf, anchors.reports)) {
      settled.push(await record(judged, beacon));
      judged.played.forget();
    }
    await ledger.append({ type: 'event-completed', ...facts, beacon, ourTurn: await ourTurn });
    return settled;

    /**
     * No byte of a line leaves before all of it is handed over, so that one that keeps us out of sets keeps us out of most. By
     * hotkeys, which are dear: slots are claimed for nothing.
     */
    function wasTooLong(reached: Phase['from']): boolean {
      const leftUsOut = unopened.flatMap(({ task: { neuron }, ...played }) =>
        played.behindLine && played.reached === reached && !managed[reached].has(neuron.hotkey)
          ? [neuron.hotkey]
          : [],
      );
      return new Set(leftUsOut).size > managed[reached].size;
    }
  }

  function entryOf(judged: Judged, beacon: Uint8Array): OutcomeEntry {
    return toOutcomeEntry(judged, event, { beacon, validator: self, at: clock.now() });
  }

  function judgeOf(beacon: Uint8Array): Judge {
    const outcomeOf = (judged: Judged): SessionOutcome => {
      const entry = entryOf(judged, beacon);
      // of a complete opening: it has a digest
      return { id: entry.outcome.id, openingDigest: judged.openingDigest!, note: () => toNote(entry) };
    };
    return createJudge({ ...parts, outcomeOf }, event, beacon);
  }

  async function record(judged: Judged, beacon: Uint8Array): Promise<Settled> {
    const { task, session, drain } = judged.played;
    const entry = entryOf(judged, beacon);
    await ledger.saveParams(task.claim.paramsId, task.params as object);
    const written = await append(entry);
    const passed = hasPass(task.facts);
    return { outcome: written.outcome, passed, receipt: toReceipt(written), session, drain };
  }

  /** One miner's entry that cannot be written must not void the event for all: it is then our fault and says so. */
  async function append(entry: OutcomeEntry): Promise<OutcomeEntry> {
    try {
      await ledger.append(entry);
      return entry;
    } catch (error) {
      log.error('outcome not recorded as it was', { outcome: entry.outcome.id, error });
      const outcome = {
        ...entry.outcome,
        verdict: inconclusive('validator-fault'),
        credit: NO_CREDIT,
        share: 0,
      };
      const bare: OutcomeEntry = { ...entry, outcome, session: { ...entry.session, frames: [] } };
      await ledger.append(bare);
      return bare;
    }
  }

  /** The miner's copy. Whether it takes it is its own affair: nothing of ours waits for it. */
  async function settle({ session, drain, receipt }: Settled): Promise<void> {
    try {
      const closing = (async () => {
        await session.send(receipt);
        session.end();
        await drain();
      })();
      closing.catch(() => {}); // after the deadline nobody waits for it
      await withTimeout(clock, CLOSE_MS, closing, () => new Error('not closed'));
    } catch (error) {
      log.debug('receipt not delivered', { miner: session.peer, error });
    } finally {
      session.cancel();
    }
  }
}

/** We were late, and a peer may have had a hand in it. */
const isInDoubt = ({ end, queued }: Played): boolean =>
  end?.kind === 'inconclusive' && end.cause === 'validator-late' && !queued;
