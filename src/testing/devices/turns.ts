// Owns: jobs served one after the other: the best that two slots on one device can do with a common window.

import type { Slot } from '../../miner/slot.js';
import type { Clock } from '../../model/clock.js';
import type { Proving } from '../../verification/proof.js';

/** Jobs that arrive within this long of each other belong to one event; who goes first changes with every event. */
const GATHER_MS = 60;

/** Wraps slots that use one device: their jobs never interleave, and the order changes from event to event. */
export function withTurns(slots: readonly Slot[], clock: Clock): Slot[] {
  let tail: Promise<unknown> = Promise.resolve();
  let turn = 0;
  let gathered: { rank: number; begin: () => void }[] | undefined;

  async function enter(rank: number): Promise<void> {
    await new Promise<void>((begin) => {
      if (gathered) {
        gathered.push({ rank, begin });
        return;
      }
      gathered = [{ rank, begin }];
      void clock.sleep(GATHER_MS).then(() => {
        const batch = gathered!.sort((a, b) => (turn % 2 === 0 ? a.rank - b.rank : b.rank - a.rank));
        gathered = undefined;
        turn++;
        for (const { begin: go } of batch) go();
      });
    });
  }

  async function inTurn<T>(rank: number, job: () => Promise<T>): Promise<T> {
    await enter(rank);
    const work = tail.then(job);
    tail = work.catch(() => {}); // an aborted job must not stop the one behind it
    return work;
  }

  return slots.map((slot, rank) => ({
    claim: slot.claim,
    ...(slot.phases ? { phases: slot.phases } : {}),
    ...(slot.offer ? { offer: () => slot.offer!() } : {}),
    prepare: (basis) => slot.prepare?.(basis) ?? Promise.resolve(),
    async start(job, signal): Promise<Proving> {
      const proving = await inTurn(rank, () => slot.start(job, signal));
      const { next } = proving;
      if (!next) return proving;
      return {
        commit: proving.commit,
        next: (step, stop) => inTurn(rank, () => next.call(proving, step, stop)),
        open: (request) => proving.open(request),
        release: () => proving.release(),
      };
    },
  }));
}
