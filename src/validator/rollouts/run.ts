// Owns: a validator's walk through windows: open, collect, wait for the audit's round, judge, write down; after a restart from
// where it was. Does not own: each of these steps, weights (validator.ts asks `scoreOf`), what a verdict is (verification/rollouts).
import type { BeaconRound } from '../../inference/spec/window.js';
import { AssayError } from '../../model/errors.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import { currentWindow, openWindow, persist, untilRound } from '../../rollouts/follow.js';
import { KEPT_WINDOWS, shelfBytesFor } from '../../rollouts/shelf.js';
import { AUDIT_EXPIRY_MS } from '../../rollouts/windows.js';
import type { EpochScore } from '../score.js';
import { beaconDelayOf, type Collected, type CollectParts, type CollectRules, collect } from './collect.js';
import type { RolloutLedger } from './ledger.js';

/** One window's files, the round of their audit, and what is there already. */
export interface WindowToJudge {
  readonly collected: Collected;
  readonly round: BeaconRound;
  /** of a window that a crash cut short: these stand */
  readonly judged: ReadonlyMap<Hotkey, Uint8Array>;
  /** a manifest or a file of the window, as it was fetched */
  read(name: Uint8Array): Promise<Uint8Array | undefined>;
}

export interface WindowVerdict {
  readonly miner: Hotkey;
  readonly record: Uint8Array;
}

/** Judging as the walk needs it: records out, records in again after a restart, credit. */
export interface WindowJudge {
  /**
   * A record for each delivery that has none, as they come. What one miner's bytes do must be that miner's verdict.
   * @throws what is our own fault: the window is tried again
   */
  judge(window: WindowToJudge, signal: AbortSignal): AsyncIterable<WindowVerdict>;
  /** Once for every window whose verdicts are all there, in order; after a restart for those of the ledger. */
  close(window: Collected, verdicts: ReadonlyMap<Hotkey, Uint8Array>): void;
  /** What each hotkey's windows are worth, after all that were closed. */
  credit(): ReadonlyMap<Hotkey, number>;
}

export interface RolloutValidatorParts extends CollectParts {
  readonly ledger: RolloutLedger;
  readonly judge: WindowJudge;
  readonly onStatus?: ((status: RolloutValidatorStatus) => void) | undefined;
}

export interface RolloutValidatorOptions extends CollectRules {
  /** Files are kept, and handed out, for so many windows. @default 12 */
  readonly keepWindows?: number | undefined;
}

export interface RolloutValidatorStatus {
  readonly window: number;
  readonly is: 'collected' | 'judged' | 'lapsed' | 'pending';
  readonly why?: string;
  /** of `collected`: miners whose files could not be kept here, which is no fault of theirs */
  readonly ours?: number;
}

/** Judging that failed here is begun anew after so long, and after twice as long each time: a session or a disk may be back. */
const AGAIN_MS = 10_000;
const MOST_AGAIN_MS = 120_000;

export interface RolloutValidator {
  /** Runs until aborted. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * For `ValidatorParts.scoreOf`: credit as of the windows judged so far. Undefined before the first one, so that nothing is set.
   * With nobody worth anything, all goes to the owner, which the chain burns.
   */
  scoreOf(): EpochScore | undefined;
}

/**
 * @throws what `WindowJudge.close` throws for a ledger that is not its own; AssayError `limit-exceeded` for a shelf on which the
 *   files of some keys could leave no room for those of others
 */
export function createRolloutValidator(
  parts: RolloutValidatorParts,
  options: RolloutValidatorOptions,
): RolloutValidator {
  const { beacon, clock, log, ledger, shelf, judge } = parts;
  const { plan, keepWindows = KEPT_WINDOWS } = options;
  const needed = shelfBytesFor(options, keepWindows);
  if (shelf.maxBytes < needed)
    throw new AssayError(
      'limit-exceeded',
      `files of ${keepWindows} windows can be ${needed} bytes, and the shelf takes ${shelf.maxBytes}`,
      { what: 'files of windows', limit: shelf.maxBytes, got: needed },
    );
  const tell = parts.onStatus ?? (() => {});
  const { pending, last } = resume(ledger, judge);
  let closed = ledger.entries().filter(({ type }) => type === 'judged').length;
  let wake: (() => void) | undefined;

  async function follow(signal: AbortSignal): Promise<void> {
    try {
      // a window whose D is still ahead: its files can be had in time
      for (let window = last + 1; ; window++) {
        window = Math.max(window, await currentWindow(parts, plan, signal));
        await collectOne(window, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** A window that is not in time on disk has lapsed, whatever it was that failed. */
  async function collectOne(window: number, signal: AbortSignal): Promise<void> {
    let why: string | undefined;
    try {
      const open = await openWindow(parts, options, window, signal, beaconDelayOf(options));
      const entry = open && (await collect(parts, options, open, signal));
      if (entry?.type === 'lapsed') why = entry.why;
      else if (entry) why = await writeDown(entry, signal);
    } catch (error) {
      signal.throwIfAborted();
      log.error('a window was not collected', { window, error });
      why = `it was not collected: ${error instanceof Error ? error.message : String(error)}`;
    }
    signal.throwIfAborted();
    if (why === undefined) return;
    await lapse(window, why).catch((error: unknown) =>
      log.error('a window could not be written down', { window, error }),
    );
  }

  /**
   * Before the audit's round is out, or not at all: later, nobody could tell that the list was not made with the draw in sight.
   * @returns why the window has lapsed, where it has
   */
  async function writeDown(collected: Collected, signal: AbortSignal): Promise<string | undefined> {
    const { window, round, deliveries } = collected;
    const until = beacon.timeOf(round);
    const late = 'what came was not on disk before the round of its audit was out';
    if (clock.now() >= until) return late;
    await persist(parts, { what: 'writing a window down', until }, () => ledger.append(collected), signal);
    if (clock.now() >= until) return late;
    const ours = deliveries.filter(({ is }) => is === 'ours').length;
    tell({ window, is: 'collected', ...(ours > 0 ? { ours } : {}) });
    pending.push({ collected, judged: new Map() });
    wake?.();
    return undefined;
  }

  async function lapse(window: number, why: string): Promise<void> {
    log.error('a window lapsed: nobody is paid for it here', { window, why });
    await ledger.append({ type: 'lapsed', window, why });
    tell({ window, is: 'lapsed', why });
  }

  /** In the order of windows: what one is worth hangs on those before it. */
  async function judgeAll(signal: AbortSignal): Promise<void> {
    let againMs = AGAIN_MS;
    while (!signal.aborted) {
      const [next] = pending;
      if (!next) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
        continue;
      }
      const { window, round: number } = next.collected;
      const expiry = beacon.timeOf(number) + (plan.auditExpiryMs ?? AUDIT_EXPIRY_MS);
      try {
        const round = await untilRound(parts, number, expiry, signal);
        if (signal.aborted) return;
        if (round) await judgeOne(next, round, signal);
        else await lapse(window, 'the round of its audit did not come');
        pending.shift();
        againMs = AGAIN_MS;
        await shelf.forget(window - keepWindows + 1);
      } catch (error) {
        if (signal.aborted) return;
        // ours: files stay, the draw is the same, nobody is credited meanwhile
        log.error('a window could not be judged yet', { window, error });
        tell({ window, is: 'pending', why: error instanceof Error ? error.message : String(error) });
        await clock.sleep(againMs, signal);
        againMs = Math.min(2 * againMs, MOST_AGAIN_MS);
        if (clock.now() < expiry || signal.aborted) continue;
        // later windows have waited long enough; one that could not be written down is tried once more
        await lapse(window, 'it could not be judged here in time').then(
          () => pending.shift(),
          (cause: unknown) => log.error('a window could not be written down', { window, error: cause }),
        );
      }
    }
  }

  async function judgeOne(next: Pending, round: BeaconRound, signal: AbortSignal): Promise<void> {
    const { collected, judged } = next;
    const { window } = collected;
    const toJudge = { collected, round, judged, read: (name: Uint8Array) => shelf.read(name) };
    for await (const { miner, record } of judge.judge(toJudge, signal)) {
      await ledger.append({ type: 'verdict', window, miner, record });
      judged.set(miner, record);
    }
    signal.throwIfAborted();
    await ledger.append({ type: 'judged', window });
    judge.close(collected, judged);
    closed++;
    log.info('window judged', { window, miners: judged.size });
    tell({ window, is: 'judged' });
  }

  return {
    async run(signal) {
      const stop = new AbortController();
      const inner = AbortSignal.any([signal, stop.signal]);
      const both = [follow(inner), judgeAll(inner)];
      try {
        await Promise.all(both);
      } finally {
        stop.abort();
        await Promise.allSettled(both);
      }
    },
    scoreOf() {
      if (closed === 0) return undefined;
      const scores = judge.credit();
      const isNothing = ![...scores.values()].some((score) => score > 0);
      return {
        scores,
        reasons: new Map(),
        withOwner: (owner) => (isNothing ? new Map([...scores, [owner, 1]]) : scores),
      };
    },
  };
}

interface Pending {
  readonly collected: Collected;
  readonly judged: Map<Hotkey, Uint8Array>;
}

/** Closed windows are told to the judge; those that were collected and not judged are what is to be done first. */
function resume(ledger: RolloutLedger, judge: WindowJudge): { pending: Pending[]; last: number } {
  const open = new Map<number, Pending>();
  let last = -1;
  for (const entry of ledger.entries()) {
    last = Math.max(last, entry.window);
    const known = open.get(entry.window);
    if (entry.type === 'collected') open.set(entry.window, { collected: entry, judged: new Map() });
    else if (entry.type === 'verdict') known?.judged.set(toHotkey(entry.miner), entry.record);
    else {
      if (known && entry.type === 'judged') judge.close(known.collected, known.judged);
      open.delete(entry.window);
    }
  }
  return { pending: [...open.values()], last };
}
