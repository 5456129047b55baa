// Owns: the corridor of one event: roster, assign, dispatch, judge, record, receipts. Does not own: any step of it.
import type { ChainInfo, Neuron, Subnet } from '../chain/chain.js';
import { toHex } from '../model/bytes.js';
import { type Clock, withTimeout } from '../model/clock.js';
import type { Hotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Outcome } from '../model/outcome.js';
import type { Random } from '../model/prng.js';
import type { FrameBody, MinerPeer } from '../protocol/session.js';
import { assign, type ProofKinds } from './assign.js';
import { type EventFrame, type Played, play } from './dispatch.js';
import { judge } from './judge.js';
import type { Ledger } from './ledger/ledger.js';
import type { OwnDelay } from './own-delay.js';
import { toOutcomeEntry, toReceipt } from './record.js';
import { roster } from './roster.js';

export interface RoundParts {
  readonly peerOf: (neuron: Neuron) => MinerPeer;
  readonly publicKeyOf: (hotkey: string) => Uint8Array;
  readonly kinds: ProofKinds;
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
}

/** A miner may take this long to close its side after the receipt. */
const CLOSE_MS = 2000;

/**
 * Plays, judges and records one event.
 * @returns one outcome per task
 * @throws when the event's block was missed or we are stopping: then nothing of it counts
 */
export async function runEvent(
  parts: RoundParts,
  input: { event: Event; subnet: Subnet; chain: Pick<ChainInfo, 'type'>; self: Hotkey },
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const { ledger, kinds, clock } = parts;
  const { event, subnet, chain, self } = input;
  const facts = { event: toHex(event.id), epoch: event.epoch, block: event.block, basis: event.basis };
  await ledger.append({ type: 'event-started', ...facts, beacon: undefined });

  const miners = roster(parts, { subnet, self }, signal);
  // claims that come after the Go are of no use, and a miner that hangs here must not delay everybody's verdicts
  const tooLate = event.go.then(
    () => [],
    () => [],
  );
  const played = await Promise.all(
    miners.map(async ({ neuron, peer, claims }) => {
      const tasks = assign(kinds, chain, neuron, await Promise.race([claims, tooLate]));
      return Promise.all(tasks.map((task) => play({ ...parts, peer }, event, task)));
    }),
  );
  const sessions = played.flat();
  try {
    return await conclude();
  } catch (error) {
    for (const { session } of sessions) session.cancel(); // no receipt will come
    throw error;
  }

  async function conclude(): Promise<readonly Outcome[]> {
    const { hash: beacon } = await event.go;
    // what broke while we were stopping says nothing about anybody
    signal.throwIfAborted();

    const judged = judge(parts, event, beacon, sessions);
    const at = clock.now();
    const entries = judged.map((each) => toOutcomeEntry(each, event, { beacon, validator: self, at }));
    await Promise.all(entries.map((entry) => ledger.append(entry)));
    for (const { task } of sessions) await ledger.saveParams(task.claim.paramsId, task.params as object);
    await ledger.append({ type: 'event-completed', ...facts, beacon });

    for (const [i, entry] of entries.entries()) void settle(judged[i]!.played, toReceipt(entry));
    return entries.map(({ outcome }) => outcome);
  }

  /** The miner's copy. Whether it takes it is its own affair: nothing of ours waits for it. */
  async function settle({ session, drain }: Played, receipt: FrameBody): Promise<void> {
    try {
      await session.send(receipt);
      session.end();
      await withTimeout(clock, CLOSE_MS, drain(), () => new Error('not closed'));
    } catch (error) {
      parts.log.debug('receipt not delivered', { miner: session.peer, error });
    } finally {
      session.cancel();
    }
  }
}
