// Owns: a validator's walk through windows: open, collect, wait for the audit's round, judge, write down; after a restart from
// where it was. Does not own: each of these steps, weights (validator.ts asks `scoreOf`), what a verdict is (verification/rollouts).
import type { BeaconRound } from '../../inference/spec/window.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { Hotkey } from '../../model/ids.js';
import { currentWindow, openWindow, persist, untilRound } from '../../rollouts/follow.js';
import { KEPT_WINDOWS, shelfBytesFor } from '../../rollouts/shelf.js';
import { AUDIT_EXPIRY_MS } from '../../rollouts/windows.js';
import { WINDOWS } from '../../verification/rollouts/credit.js';
import type { EpochScore } from '../score.js';
import { ALARMS, type Alarm, alarmsBeyond } from './alarms.js';
import { beaconDelayOf, type Collected, type CollectParts, type CollectRules, collect } from './collect.js';
import { historyOf } from './history.js';
import type { ProvenEntry, RolloutLedger } from './ledger.js';
import type { Proofs } from './proofs.js';

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
  /**
   * Once for every window whose verdicts are all there, in order; after a restart for those of the ledger.
   * @returns takes effect, and cannot fail: called when it is written down that the window is judged, so that what is remembered here
   *   and what the ledger says are never two things
   */
  close(window: Collected, verdicts: ReadonlyMap<Hotkey, Uint8Array>): () => void;
  /** What stands behind a window's end and before the next one's verdicts; cannot fail. */
  prove(proven: ProvenEntry): void;
  /** What each hotkey's windows are worth, after all that were closed. */
  credit(): ReadonlyMap<Hotkey, number>;
  /** Of the newest window that was closed: for a human, none of them costs anybody anything. */
  alarms(): readonly Alarm[];
}

export interface RolloutValidatorParts extends CollectParts {
  readonly ledger: RolloutLedger;
  readonly judge: WindowJudge;
  /** Proofs of others, looked at whenever a window is over. @default none */
  readonly proofs?: Proofs | undefined;
  /** After each window: the checkpoints of the windows that are kept or still to be judged; no other one is needed here. */
  readonly keepCheckpoints?: ((digests: readonly Uint8Array[]) => Promise<void>) | undefined;
  readonly onStatus?: ((status: RolloutValidatorStatus) => void) | undefined;
}

export interface RolloutValidatorOptions extends CollectRules {
  /** Files are kept, and handed out, for so many windows. @default 12 */
  readonly keepWindows?: number | undefined;
}

export interface RolloutValidatorStatus {
  readonly window: number;
  readonly is: 'collected' | 'judged' | 'lapsed' | 'pending';
  /** of one that was judged: what a human should look at, every time while it holds */
  readonly alarms?: readonly Alarm[];
  readonly why?: string;
  /** of `collected`: miners whose files could not be kept here, which is no fault of theirs */
  readonly ours?: number;
}

/** Judging that failed here is begun anew after so long, and after twice as long each time: a session or a disk may be back. */
const AGAIN_MS = 10_000;
const MOST_AGAIN_MS = 120_000;
/**
 * A checkpoint that nobody gives is not waited for as long as a fault of this machine's: every later window waits behind it, since its
 * standings hang on this one, and their files fill the shelf meanwhile. What a lapsed window costs, all miners have in common.
 */
const CHECKPOINT_EXPIRY_MS = 60 * 60_000;

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
  /** What is done with it is no step of a window: one that fails must not end it twice. */
  const tell = (status: RolloutValidatorStatus): void => {
    try {
      parts.onStatus?.(status);
    } catch (error) {
      log.error('a status could not be told', { window: status.window, error });
    }
  };
  const { pending, last, judged: judgedBefore } = resume(ledger, judge);
  let closed = judgedBefore;
  /** that were said, by this process or the one before */
  let said: readonly Alarm[] = judge.alarms();
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
    if (clock.now() >= until) {
      // it has a beginning: its end stands in the order of windows, however long the disk takes none
      toJudge({ collected, judged: new Map(), late });
      return undefined;
    }
    const ours = deliveries.filter(({ is }) => is === 'ours').length;
    tell({ window, is: 'collected', ...(ours > 0 ? { ours } : {}) });
    toJudge({ collected, judged: new Map() });
    return undefined;
  }

  function toJudge(next: Pending): void {
    pending.push(next);
    wake?.();
  }

  async function lapse(window: number, why: string): Promise<void> {
    log.error('a window lapsed: nobody is paid for it here', { window, why });
    await ledger.append({ type: 'lapsed', window, why });
    tell({ window, is: 'lapsed', why });
  }

  /** In the order of windows: what one is worth hangs on those before it. */
  async function judgeAll(signal: AbortSignal): Promise<void> {
    let againMs = AGAIN_MS;
    signal.addEventListener('abort', () => wake?.(), { once: true });
    while (!signal.aborted) {
      const [next] = pending;
      if (!next) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const { window, round: number } = next.collected;
      const expiryMs = plan.auditExpiryMs ?? AUDIT_EXPIRY_MS;
      const due = beacon.timeOf(number);
      let round: BeaconRound | undefined;
      try {
        if (next.late === undefined) round = await untilRound(parts, number, due + expiryMs, signal);
        if (signal.aborted) return;
        if (next.late !== undefined) await lapse(window, next.late);
        else if (round) await judgeOne(next, round, signal);
        else await lapse(window, 'the round of its audit did not come');
        againMs = AGAIN_MS;
        await over(window, signal);
      } catch (error) {
        if (signal.aborted) return;
        // ours: files stay, the draw is the same, nobody is credited meanwhile
        log.error('a window could not be judged yet', { window, error });
        tell({ window, is: 'pending', why: error instanceof Error ? error.message : String(error) });
        await clock.sleep(againMs, signal);
        againMs = Math.min(2 * againMs, MOST_AGAIN_MS);
        const isGone = round !== undefined && isAssayError(error, 'unreachable');
        const waitMs = isGone ? Math.min(expiryMs, CHECKPOINT_EXPIRY_MS) : expiryMs;
        if (clock.now() < due + waitMs || signal.aborted) continue;
        // later windows have waited long enough; one that could not be written down is tried once more
        const why = isGone ? 'its checkpoint was not to be had' : 'it could not be judged here in time';
        await lapse(window, why).then(
          () => over(window, signal),
          (cause: unknown) => log.error('a window could not be written down', { window, error: cause }),
        );
        againMs = AGAIN_MS;
      }
    }
  }

  /** Its end is in the ledger: whatever fails from here on is no reason to judge it again. */
  async function over(window: number, signal: AbortSignal): Promise<void> {
    pending.shift();
    await takeProofs(signal);
    const oldest = window - keepWindows + 1;
    // standings have all of them already; those that are paid out still may be proven against
    ledger.forget(Math.min(oldest, window - WINDOWS + 1));
    try {
      await shelf.forget(oldest);
      const kept = ledger
        .entries()
        .flatMap((entry) =>
          entry.type === 'collected' && entry.window >= oldest ? [entry.context.checkpointDigest] : [],
        );
      await parts.keepCheckpoints?.(kept);
    } catch (error) {
      log.error('what is not needed any more could not be removed', { window, error });
    }
  }

  /** None of them may keep a window from being judged: what fails is looked at again after the next one. */
  async function takeProofs(signal: AbortSignal): Promise<void> {
    const { proofs } = parts;
    const failed = (error: unknown) => {
      if (!signal.aborted) log.error('a proof could not be looked at yet', { error });
    };
    if (!proofs) return;
    const waiting = await proofs.waiting().catch(failed);
    for (const { bytes, done } of waiting ?? []) {
      if (signal.aborted) return;
      try {
        const { windows } = historyOf(ledger.entries());
        const { entry, is, window, miner, why, isEarly } = await proofs.find(bytes, windows, signal);
        if (entry) {
          await ledger.append(entry);
          judge.prove(entry);
        }
        log.warn('a proof against a miner was looked at', { is, window, miner, why });
        if (!isEarly) await done();
      } catch (error) {
        failed(error);
      }
    }
  }

  /** In the log when one rings and when it ends, not with every window in between. */
  function sayAlarms(window: number): void {
    const now = judge.alarms();
    for (const alarm of alarmsBeyond(now, said)) log.error(ALARMS[alarm.is], { window, ...alarm });
    for (const alarm of alarmsBeyond(said, now)) log.warn('an alarm is over', { window, ...alarm });
    said = now;
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
    const settle = judge.close(collected, judged);
    await ledger.append({ type: 'judged', window });
    settle();
    closed++;
    log.info('window judged', { window, miners: judged.size });
    sayAlarms(window);
    tell({ window, is: 'judged', alarms: said });
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
  /** why it is not judged */
  readonly late?: string;
}

/**
 * Closed windows are told to the judge; those that were collected and not judged are what is to be done first.
 * @throws AssayError `corrupt` for a ledger whose entries do not belong together: what follows from it is not what was judged
 */
function resume(
  ledger: RolloutLedger,
  judge: WindowJudge,
): { readonly pending: Pending[]; readonly last: number; readonly judged: number } {
  const { windows, flaws } = historyOf(ledger.entries());
  const [flaw] = flaws;
  if (flaw) {
    const why = `window ${flaw.window}${flaw.miner ? `, ${flaw.miner}` : ''}: ${flaw.why}`;
    throw new AssayError('corrupt', `ledger of windows: ${why}`, { path: 'ledger of windows', why });
  }
  const pending: Pending[] = [];
  for (const { collected, verdicts, end, proven } of windows) {
    if (collected && end === 'judged') judge.close(collected, verdicts)();
    else if (collected && !end) pending.push({ collected, judged: new Map(verdicts) });
    for (const each of proven) judge.prove(each);
  }
  return {
    pending,
    last: windows.at(-1)?.window ?? -1,
    judged: windows.filter(({ end }) => end === 'judged').length,
  };
}
