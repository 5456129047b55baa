// Owns: which declarations of maintenance count, from which block to which, by what was heard and when. Pure. Does not own: their
// bytes and signatures (protocol/maintenance.ts), what an event in maintenance is paid (scoring).
import type { Hotkey } from '../model/ids.js';
import type { Maintenance } from '../protocol/maintenance.js';

/** As a scoring policy has them. */
export interface MaintenanceRules {
  /** of one hotkey, in any `inBlocks` */
  readonly blocks: number;
  readonly inBlocks: number;
  /** of one hotkey, in any `inBlocks`: those that were ended earlier too */
  readonly declarations: number;
  /** from when one was first heard to when it counts: longer than events are announced ahead, or it would be made for one of them */
  readonly leadBlocks: number;
}

/** A declaration that counts, as far as it does. */
export interface Counted {
  readonly miner: Hotkey;
  readonly serial: number;
  readonly workers: readonly string[];
  /** as it was declared */
  readonly declaredFrom: number;
  /** from this block, and before that one: none where it was ended before it began */
  readonly from: number;
  readonly until: number;
}

export type MaintenanceRefusal =
  /** it is over before it would count */
  | 'late'
  /** the serial is of a declaration with another beginning or other workers */
  | 'changed'
  | 'too-many'
  | 'too-long'
  /** it begins later than anybody can plan for */
  | 'too-far';

export interface MaintenanceBook {
  /**
   * Notes what a hotkey declared, whose signature was good.
   * @param at the block at which it was heard
   * @returns what counts of it now where that is news; undefined where it is as it was
   */
  hear(
    miner: Hotkey,
    said: Maintenance,
    at: number,
    rules: MaintenanceRules,
  ): { readonly counted: Counted } | { readonly refused: MaintenanceRefusal } | undefined;
  /** By which a slot of this worker is in maintenance at this block. */
  covering(miner: Hotkey, worker: string, block: number): Counted | undefined;
  /** Takes up again what was found to count before, in the order in which it was. */
  restore(counted: Counted): void;
  /** Of one hotkey, or of all. */
  counted(miner?: Hotkey): readonly Counted[];
  /** Lets go of what no count can hang on any more. */
  forgetBefore(block: number): void;
}

export function createMaintenanceBook(): MaintenanceBook {
  const byMiner = new Map<Hotkey, Map<number, Counted>>();
  const of = (miner: Hotkey): Counted[] => [...(byMiner.get(miner)?.values() ?? [])];
  const keep = (counted: Counted): void => {
    const own = byMiner.get(counted.miner) ?? new Map<number, Counted>();
    byMiner.set(counted.miner, own);
    own.set(counted.serial, counted);
  };

  return {
    hear(miner, said, at, rules) {
      const { serial, workers, fromBlock, untilBlock } = said;
      const known = byMiner.get(miner)?.get(serial);
      if (known) {
        const isSame = known.declaredFrom === fromBlock && known.workers.join(' ') === workers.join(' ');
        if (!isSame) return { refused: 'changed' };
        // ended no sooner than it could have begun: or one would be open until the event is known, and ended for it
        const until = Math.max(untilBlock, Math.min(known.until, at + rules.leadBlocks), known.from);
        if (until >= known.until) return undefined;
        const counted = { ...known, until };
        keep(counted);
        return { counted };
      }
      if (fromBlock > at + rules.inBlocks) return { refused: 'too-far' };
      const from = Math.max(fromBlock, at + rules.leadBlocks);
      if (from >= untilBlock) return { refused: 'late' };
      const near = of(miner).filter(
        (other) => other.until > from - rules.inBlocks && other.from < untilBlock + rules.inBlocks,
      );
      if (near.length >= rules.declarations) return { refused: 'too-many' };
      const blocks = near.reduce((sum, other) => sum + other.until - other.from, untilBlock - from);
      if (blocks > rules.blocks) return { refused: 'too-long' };
      const counted = { miner, serial, workers, declaredFrom: fromBlock, from, until: untilBlock };
      keep(counted);
      return { counted };
    },
    covering: (miner, worker, block) =>
      of(miner).find(
        ({ from, until, workers }) =>
          from <= block && block < until && (workers.length === 0 || workers.includes(worker)),
      ),
    restore: keep,
    counted: (miner) => (miner === undefined ? [...byMiner.keys()].flatMap(of) : of(miner)),
    forgetBefore(block) {
      for (const [miner, own] of byMiner) {
        for (const [serial, { until }] of own) if (until < block) own.delete(serial);
        if (own.size === 0) byMiner.delete(miner);
      }
    },
  };
}
