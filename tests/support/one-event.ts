// Owns: the parts of one event over the loopback wire that tests of whole sessions share: a miner that answers, what a
// validator is told of the event, a ledger that only keeps.

import { devKeypair } from '../../src/keys/keypair.js';
import { createAnswer } from '../../src/miner/answer.js';
import { noReceipts } from '../../src/miner/receipts.js';
import type { Slot } from '../../src/miner/slot.js';
import { createTickets } from '../../src/miner/tickets.js';
import { silentLog } from '../../src/model/log.js';
import type { LedgerEntry } from '../../src/validator/ledger/entries.js';
import type { Event, RoundParts } from '../../src/validator/round.js';
import { eventId } from '../../src/verification/seed.js';
import { scriptedMiner } from './sessions.js';

type AnswerParts = Parameters<typeof createAnswer>[0];

/** A miner under a development key that serves `slots` until aborted. @param parts.name of its key. @default 'miner' */
export async function servedMiner(
  parts: Pick<AnswerParts, 'netuid' | 'events'> & { readonly slots: readonly Slot[] } & Parameters<
      typeof scriptedMiner
    >[0] & { readonly clock: AnswerParts['clock'] },
  signal: AbortSignal,
) {
  const { slots, netuid, events, clock, name = 'miner' } = parts;
  const answer = createAnswer(
    {
      slots: () => slots,
      hotkey: devKeypair(name).publicKey,
      netuid,
      events,
      tickets: createTickets(() => ({ epoch: 5, share: 0.5 })),
      clock,
      log: silentLog,
      receipts: noReceipts,
    },
    signal,
  );
  return scriptedMiner(parts, answer, signal, async () => ({
    version: 'test',
    kinds: [...new Set(slots.map(({ claim }) => claim.kind))],
    slots: slots.map(({ claim }) => ({ ...claim })),
  }));
}

/** The event at `block`, in epoch 5, as a validator plays it. */
export const eventAt = (of: Pick<Event, 'netuid' | 'block' | 'basis' | 'hold' | 'go' | 'pass'>): Event => ({
  ...of,
  id: eventId(of),
  ordinal: '5.0',
  maxNonces: 3,
  epoch: 5,
  minLeadMs: 0,
  isStillCanonical: async () => true,
});

export interface KeptLedger {
  readonly entries: LedgerEntry[];
  readonly params: Map<string, object>;
  readonly ledger: RoundParts['ledger'];
}

export function keptLedger(): KeptLedger {
  const entries: LedgerEntry[] = [];
  const params = new Map<string, object>();
  return {
    entries,
    params,
    ledger: {
      append: async (entry) => void entries.push(entry),
      saveParams: async (id, set) => void params.set(id, set),
    },
  };
}
