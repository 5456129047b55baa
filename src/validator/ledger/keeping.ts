// Owns: when a validator's ledger forgets, and how much. Does not own: how that is done (retention.ts).
import type { Log } from '../../model/log.js';
import {
  createScoringState,
  parsePolicy,
  restoreScoringState,
  type ScoringRule,
} from '../../scoring/index.js';
import type { KindsByName } from '../../verification/parameter-file.js';
import { BEFORE_EPOCHS, readHold, withoutEvents } from '../breaker.js';
import { learnClasses } from './classes.js';
import type { Ledger } from './ledger.js';

export interface KeepLimits {
  /** sessions of so many epochs. @default all */
  readonly evidenceEpochs?: number | undefined;
  /** of all sessions */
  readonly evidenceBytes: number;
  /** outcomes of so many epochs. @default all */
  readonly outcomeEpochs?: number | undefined;
}

/** Outcomes go in tenths of what is kept: a state is made of all that goes before it, and takes reading. */
const BATCH = 1 / 10;

export interface Keeping {
  /**
   * Once for each epoch, beside whatever else is done; what fails is logged, and done at the next one.
   * @param policy digest of what the epoch before was paid by; without one no outcome goes
   */
  at(epoch: number, policy: string | undefined): void;
  /** What is under way is done. */
  close(): Promise<void>;
}

export function createKeeping(
  {
    ledger,
    kinds,
    rules,
    log,
  }: {
    readonly ledger: Pick<Ledger, 'expire' | 'compact' | 'segments' | 'fold' | 'readParams'>;
    readonly kinds: KindsByName;
    /** The subnet's own, which the policy may name: without them no outcome goes. @default none */
    readonly rules?: readonly ScoringRule[] | undefined;
    readonly log: Log;
  },
  /** asked once for each epoch: they may change */
  limits: () => KeepLimits,
): Keeping {
  let seen: number | undefined;
  let underWay: Promise<void> | undefined;

  async function keep(epoch: number, digest: string | undefined): Promise<void> {
    const { evidenceEpochs, evidenceBytes, outcomeEpochs } = limits();
    const keepFrom = evidenceEpochs === undefined ? 0 : epoch - evidenceEpochs;
    const bytes = await ledger.expire({ keepFrom, maxBytes: evidenceBytes });
    if (bytes > 0) log.info('ledger: sessions went', { bytes });
    if (outcomeEpochs !== undefined && digest !== undefined) await compact(epoch, outcomeEpochs, digest);
  }

  async function compact(now: number, outcomeEpochs: number, digest: string): Promise<void> {
    const isDue = (before: number): boolean =>
      ledger.segments().filter((epoch) => epoch < before).length >= Math.max(1, outcomeEpochs * BATCH);
    if (!isDue(now - outcomeEpochs)) return; // holds are looked for in the whole ledger: not in every epoch
    const keepFrom = await beforeHolds(now - outcomeEpochs);
    if (!isDue(keepFrom)) return;
    if (await isPaidOtherwise(keepFrom, digest)) return;
    const policy = parsePolicy(await ledger.readParams(digest), undefined, rules);
    const { of: classOf } = await learnClasses(ledger, kinds);
    const { voided } = await readHold(ledger);
    const epochs = await ledger.compact({
      keepFrom,
      policy: digest,
      stateFrom(snapshot) {
        const state =
          snapshot === undefined
            ? createScoringState(policy, { classOf, rules })
            : restoreScoringState(policy, snapshot, { classOf, rules });
        return { ...withoutEvents(state, voided), snapshot: () => state.snapshot() };
      },
    });
    if (epochs.length > 0) log.info('ledger: outcomes went into a state', { epochs: epochs.length });
  }

  /** A hold goes whole, and with what it was decided by: of half of one neither its rows nor what was released could be made again. */
  async function beforeHolds(keepFrom: number): Promise<number> {
    const holds: { readonly since: number; readonly epoch: number }[] = [];
    await ledger.fold({ breaker: (entry) => void holds.push(entry) });
    return holds.reduceRight(
      (from, { since, epoch }) => (epoch < from ? from : Math.min(from, since - BEFORE_EPOCHS)),
      keepFrom,
    );
  }

  /** Rows that stay could not be made again from a state of another policy: they go first. */
  async function isPaidOtherwise(keepFrom: number, digest: string): Promise<boolean> {
    let isOther = false;
    await ledger.fold(
      {
        scored({ policy }) {
          isOther ||= policy !== digest;
        },
      },
      { fromEpoch: Math.max(0, keepFrom) },
    );
    return isOther;
  }

  return {
    at(epoch, policy) {
      if (seen === epoch || underWay) return;
      seen = epoch;
      underWay = keep(epoch, policy)
        .catch((error: unknown) => log.warn('ledger: nothing went of what is kept no longer', { error }))
        .finally(() => {
          underWay = undefined;
        });
    },
    close: async () => underWay,
  };
}
