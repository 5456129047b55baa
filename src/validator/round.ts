// Owns: the corridor of one event: roster, assign, dispatch, judge, record, receipts. Does not own: any step of it.
import type { ChainInfo, Neuron, Subnet } from '../chain/chain.js';
import { toHex } from '../model/bytes.js';
import { type Clock, withTimeout } from '../model/clock.js';
import { NO_CREDIT } from '../model/credit.js';
import type { Hotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Outcome } from '../model/outcome.js';
import type { Random } from '../model/prng.js';
import { inconclusive, rejected } from '../model/verdict.js';
import { SESSION_LIMITS } from '../protocol/limits.js';
import type { FrameBody, MinerPeer, ProofSession } from '../protocol/session.js';
import { windowMs } from '../verification/proof.js';
import { assign, type ProofKinds, type Task } from './assign.js';
import { CREDITED_DELAY, type EventFrame, type Played, play, READ_GRACE_MS } from './dispatch.js';
import { createJudge, type Judged } from './judge.js';
import type { OutcomeEntry } from './ledger/entries.js';
import type { Ledger } from './ledger/ledger.js';
import { createOpeningGate } from './opening-gate.js';
import type { OwnDelay } from './own-delay.js';
import { toOutcomeEntry, toReceipt } from './record.js';
import { type ClaimBook, roster } from './roster.js';

export interface RoundParts {
  readonly peerOf: (neuron: Neuron) => MinerPeer;
  readonly publicKeyOf: (hotkey: string) => Uint8Array;
  readonly kinds: ProofKinds;
  readonly claims: ClaimBook;
  readonly ledger: Pick<Ledger, 'append' | 'saveParams'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly ownDelay: OwnDelay;
  readonly log: Log;
}

export interface Event extends EventFrame {
  readonly netuid: number;
  /** the chain's epoch index */
  readonly epoch: number;
  /** we must have come to the event this long before its block, ms: or its slots could not be armed, by our fault */
  readonly minLeadMs: number;
  /** false when the chain has another block in the event's place by now */
  isStillCanonical(beacon: Uint8Array): Promise<boolean>;
}

/** What a miner may be earlier than we in counting `goWaitMs`: the time from our coming to its Ready. */
const ARM_SLACK_MS = 5000;
/** A miner may take this long to close its side after the receipt. */
const CLOSE_MS = 2000;

/** What is left of a session once its outcome is in the journal: the bytes of its opening are not. */
interface Settled {
  readonly outcome: Outcome;
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
  input: { event: Event; subnet: Subnet; chain: Pick<ChainInfo, 'type'>; self: Hotkey },
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const { ledger, kinds, clock, log } = parts;
  const { event, subnet, chain, self } = input;
  const cameAt = clock.monotonic();
  const facts = { event: toHex(event.id), epoch: event.epoch, block: event.block, basis: event.basis };
  await ledger.append({ type: 'event-started', ...facts, beacon: undefined });

  // who has not described itself by the Go is taken at its last word: everybody's verdicts wait for nobody
  const gone = event.go.then(
    () => {},
    () => {},
  );
  const tasks: Task[] = [];
  let judge: ((played: Played) => Judged) | undefined;
  const sessions = new Set<ProofSession>();
  const cancelAll = () => {
    for (const session of sessions) session.cancel();
  };
  signal.addEventListener('abort', cancelAll, { once: true });
  const gate = createOpeningGate({
    total: SESSION_LIMITS.openingBytesInFlight,
    perMiner: SESSION_LIMITS.openingBytesPerMiner,
    miners: () => new Set(tasks.map(({ neuron }) => neuron.hotkey)).size,
  });
  let lastGoAt = Number.NEGATIVE_INFINITY;
  let goFlushMs = 0;
  const onGo = (at: number) => {
    lastGoAt = Math.max(lastGoAt, at);
  };
  const windowOver = event.go.then(
    async ({ seenAt }) => {
      const longestMs = Math.max(0, ...tasks.map((task) => windowMs(task.facts)));
      const overAt = () => Math.max(seenAt, lastGoAt) + longestMs * (1 + CREDITED_DELAY) + READ_GRACE_MS;
      while (clock.monotonic() < overAt() && !signal.aborted)
        await clock.sleep(overAt() - clock.monotonic(), signal);
    },
    () => {},
  );

  try {
    const played = await Promise.all(
      roster(parts, { subnet, self, until: gone }, signal).map(async ({ neuron, peer, claims }) => {
        const own = assign(kinds, chain, neuron, await claims);
        tasks.push(...own);
        return Promise.all(own.map((task) => playAndRecord(peer, task)));
      }),
    );
    const { hash: beacon, seenAt } = await event.go;
    const leadMs = seenAt - cameAt;
    // no peer has a hand in this time: too short to arm slots, or so long that every miner has given up on our Go
    if (leadMs < event.minLeadMs || leadMs > SESSION_LIMITS.goWaitMs - ARM_SLACK_MS)
      throw new Error(`our own delay: ${Math.round(leadMs)} ms between Arm and the event's block`);
    const settled = await conclude(played.flat(), beacon);
    // told, never credited and no excuse: a miner that reads slowly can make it as long as it likes
    log.info('go written to sockets', { block: event.block, longestMs: Math.round(goFlushMs) });
    for (const each of settled) void settle(each);
    return settled.map(({ outcome }) => outcome);
  } catch (error) {
    cancelAll(); // no receipt will come
    throw error;
  } finally {
    signal.removeEventListener('abort', cancelAll);
  }

  /** A complete opening is judged and written down at once, so that nobody has to hold it; all else waits for the end. */
  async function playAndRecord(peer: MinerPeer, task: Task): Promise<Played | Settled> {
    const played = await play({ ...parts, peer, gate, sessions, onGo, windowOver }, event, task);
    goFlushMs = Math.max(goFlushMs, played.go?.flushMs ?? 0);
    try {
      // whatever came of an opening does not depend on the rest of the event
      if (played.takenFrom === undefined || signal.aborted) return played;
      const { hash: beacon } = await event.go;
      judge ??= createJudge(parts, event, beacon);
      return await record(judge(played), beacon);
    } finally {
      if (played.takenFrom !== undefined) played.forget();
      played.release();
    }
  }

  async function conclude(all: readonly (Played | Settled)[], beacon: Uint8Array): Promise<Settled[]> {
    // what broke while we were stopping says nothing about anybody
    signal.throwIfAborted();
    if (all.length === 0) return [];
    const unopened = all.filter((each) => 'task' in each);
    const settled = all.filter((each): each is Settled => !('task' in each));
    const anyAccepted = settled.some(({ outcome }) => outcome.verdict.kind === 'accepted');
    // one session must not be excused for what others managed: a miner could bring the excuse about, and be paid for it;
    // only accepted work shows that it could be managed, or one liar's instant Commit would void every excuse
    if (unopened.some(isOurLateness) && !anyAccepted) throw new Error('our own delay: nobody was in time');
    if (!(await event.isStillCanonical(beacon)))
      throw new Error("the event's block is not on the chain any more");
    judge ??= createJudge(parts, event, beacon);
    for (const played of unopened)
      settled.push(
        await record(judge(isOurLateness(played) ? { ...played, end: rejected('window') } : played), beacon),
      );
    await ledger.append({ type: 'event-completed', ...facts, beacon });
    return settled;
  }

  async function record(judged: Judged, beacon: Uint8Array): Promise<Settled> {
    const { task, session, drain } = judged.played;
    const entry = toOutcomeEntry(judged, event, { beacon, validator: self, at: clock.now() });
    await ledger.saveParams(task.claim.paramsId, task.params as object);
    const written = await append(entry);
    return { outcome: written.outcome, receipt: toReceipt(written), session, drain };
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

const isOurLateness = ({ end }: Played): boolean =>
  end?.kind === 'inconclusive' && end.cause === 'validator-late';
