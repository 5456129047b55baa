// Owns: a ledger of windows judged again, to the byte, and its standings with it. Does not own: where files and models come from.
import type { LanguageModel } from '../../inference/language-model.js';
import { verifyVrf } from '../../keys/vrf.js';
import { equals } from '../../model/bytes.js';
import type { Hotkey } from '../../model/ids.js';
import { isRound } from '../../rollouts/beacon.js';
import type { Environment } from '../../verification/environments/environment.js';
import { replay } from '../../verification/rollouts/audit.js';
import { encodeStanding } from '../../verification/rollouts/standing.js';
import { decodeVerdict } from '../../verification/rollouts/verdict.js';
import type { Collected } from './collect.js';
import { createWindowBook, inputOf, type JudgeRules, medianOf } from './judge.js';
import { isJudged, type RolloutEntry } from './ledger.js';

export interface ReplayParts {
  readonly modelOf: (checkpointDigest: Uint8Array, signal: AbortSignal) => Promise<LanguageModel>;
  readonly environment: Environment;
  /** A manifest or a file by its name. */
  readonly read: (name: Uint8Array) => Promise<Uint8Array | undefined>;
}

export interface ReplayedVerdict {
  readonly window: number;
  readonly miner: Hotkey;
  readonly is: 'same' | 'different' | 'refused' | 'gone';
  readonly why?: string;
}

/**
 * Every verdict of the ledger, in its order: rounds, random function, median, standing before and the record itself. Nothing of the
 * chain is asked: that manifests were committed is what the ledger says of it.
 */
export async function* replayLedger(
  parts: ReplayParts,
  entries: readonly RolloutEntry[],
  options: JudgeRules,
  signal: AbortSignal,
): AsyncGenerator<ReplayedVerdict> {
  const book = createWindowBook(options);
  const open = new Map<number, { collected: Collected; verdicts: Map<Hotkey, Uint8Array> }>();
  const medians = new Map<number, number>();
  for (const entry of entries) {
    signal.throwIfAborted();
    const known = open.get(entry.window);
    if (entry.type === 'collected') open.set(entry.window, { collected: entry, verdicts: new Map() });
    else if (entry.type === 'verdict' && known) {
      // one that is none moves no standing: what follows from it then differs as well
      if (isVerdict(entry.record)) known.verdicts.set(entry.miner, entry.record);
      yield await one(known.collected, entry.miner, entry.record);
    } else if (known) {
      if (entry.type === 'judged') book.close(known.collected, known.verdicts);
      open.delete(entry.window);
      medians.delete(entry.window);
    }
  }

  async function one(collected: Collected, miner: Hotkey, record: Uint8Array): Promise<ReplayedVerdict> {
    const { window, context } = collected;
    const at = { window, miner };
    if (!isVerdict(record)) return { ...at, is: 'refused', why: 'not a verdict in its one spelling' };
    try {
      const { auditBeacon, before, median } = decodeVerdict(record);
      const refused = (why: string): ReplayedVerdict => ({ ...at, is: 'refused', why });
      if (!isRound(context.beacon)) return refused("the window's round is not the beacon's");
      if (auditBeacon.round !== collected.round || auditBeacon.kind !== context.beacon.kind)
        return refused('audited with another round than it had to wait for');
      if (!isRound(auditBeacon)) return refused("the audit's round is not the beacon's");
      if (!equals(encodeStanding(before), encodeStanding(book.standingOf(miner))))
        return refused('the standing before is not what earlier windows came to');
      const delivery = collected.deliveries.find((each) => each.miner === miner);
      if (!delivery || !isJudged(delivery)) return refused('nothing of this miner was delivered');
      const model = await parts.modelOf(context.checkpointDigest, signal);
      const files = { collected, read: parts.read };
      const known = medians.get(window) ?? (await medianOf(files, options, model.vocabulary));
      medians.set(window, known);
      if (median !== known) return refused(`paid by a median of ${median}, the files' is ${known}`);
      const input = await inputOf(files, options, delivery, model.vocabulary);
      const { environment } = parts;
      const again = await replay(
        { model, environment, rules: options.rules, verifyVrf },
        record,
        input,
        { auditBeacon, median, before: book.standingOf(miner) },
        signal,
      );
      if (again.kind === 'same') return { ...at, is: 'same' };
      if (again.kind === 'refused') return refused(again.why);
      const was = decodeVerdict(record);
      return { ...at, is: 'different', why: `${was.state} then, ${again.record.state} now` };
    } catch (error) {
      signal.throwIfAborted();
      return { ...at, is: 'gone', why: error instanceof Error ? error.message : String(error) };
    }
  }
}

function isVerdict(record: Uint8Array): boolean {
  try {
    decodeVerdict(record);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
