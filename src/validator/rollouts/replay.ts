// Owns: a ledger of windows judged again, to the byte, and its standings with it. Does not own: where files and models come from.
import type { LanguageModel } from '../../inference/language-model.js';
import { fromAddress } from '../../keys/ss58.js';
import { verifyVrf } from '../../keys/vrf.js';
import { equals } from '../../model/bytes.js';
import type { Hotkey } from '../../model/ids.js';
import { isRound } from '../../rollouts/beacon.js';
import { deadlineBlock, startBlock } from '../../rollouts/windows.js';
import type { Environment } from '../../verification/environments/environment.js';
import { replay } from '../../verification/rollouts/audit.js';
import { encodeStanding } from '../../verification/rollouts/standing.js';
import { decodeVerdict } from '../../verification/rollouts/verdict.js';
import type { Collected } from './collect.js';
import { historyOf } from './history.js';
import { createWindowBook, inputOf, type JudgeRules, medianOf } from './judge.js';
import { isJudged, type ProvenEntry, type RolloutEntry, type RolloutLedgerOf } from './ledger.js';
import { findProof } from './proofs.js';
import type { WindowToJudge } from './run.js';

export interface ReplayParts {
  readonly modelOf: (checkpointDigest: Uint8Array, signal: AbortSignal) => Promise<LanguageModel>;
  readonly environment: Environment;
  /** A manifest or a file by its name. */
  readonly read: (name: Uint8Array) => Promise<Uint8Array | undefined>;
}

export interface ReplayedVerdict {
  readonly window: number;
  /** undefined: of the window itself */
  readonly miner?: Hotkey;
  /** of a proof: whose rollout in the file it is against */
  readonly place?: number;
  /**
   * `same`, `different`, `refused` (it cannot have been judged so here) and `gone` (what it rests on is not here) are of a verdict that
   * is there. `flaw`: entries of the ledger that do not belong together, such as a window judged without all of its verdicts.
   */
  readonly is: 'same' | 'different' | 'refused' | 'gone' | 'flaw';
  readonly why?: string;
}

export interface ReplayRules extends JudgeRules {
  /** Whose ledger it is. @default whoever its entries are of */
  readonly of?: RolloutLedgerOf | undefined;
}

/**
 * First what of the ledger does not belong together, then every verdict, window by window: rounds, random function, median, standing
 * before and the record itself. Nothing of the chain is asked: that manifests were committed is what the ledger says of it.
 */
export async function* replayLedger(
  parts: ReplayParts,
  entries: readonly RolloutEntry[],
  options: ReplayRules,
  signal: AbortSignal,
): AsyncGenerator<ReplayedVerdict> {
  const book = createWindowBook(options);
  const { windows, flaws } = historyOf(entries);
  for (const flaw of flaws) yield { ...flaw, is: 'flaw' };
  const earlier: ProvenEntry[] = [];
  for (const { window, collected, verdicts, end, proven } of windows) {
    if (!collected) continue;
    const why = options.of && otherThan(options.of, collected);
    if (why !== undefined) yield { window, is: 'flaw', why };
    const files = { collected, read: parts.read };
    let median: number | undefined;
    const medianBy = async (vocabulary: number) => {
      median ??= await medianOf(files, options, vocabulary);
      return median;
    };
    // one that is none moves no standing: what follows from it then differs as well
    const counted = new Map([...verdicts].filter(([, record]) => isVerdict(record)));
    for (const [miner, record] of verdicts) {
      signal.throwIfAborted();
      yield await one({ ...files, medianBy }, miner, record);
    }
    if (end === 'judged') book.close(collected, counted)();
    for (const each of proven) {
      signal.throwIfAborted();
      yield await proofAgain(each);
      earlier.push(each);
      book.prove(each);
    }
  }

  async function proofAgain(was: ProvenEntry): Promise<ReplayedVerdict> {
    const { window, miner, place } = was;
    const at = { window, miner, place };
    try {
      const {
        entry,
        is,
        why = is,
      } = await findProof(parts, options, { windows, earlier }, was.proof, signal);
      if (entry?.window !== window || entry.miner !== miner || entry.place !== place)
        return { ...at, is: 'refused', why: `a proof that is ${why}` };
      const isSame = entry.millis === was.millis && entry.creditMillis === was.creditMillis;
      return isSame ? { ...at, is: 'same' } : { ...at, is: 'different', why: 'it takes another part of pay' };
    } catch (error) {
      signal.throwIfAborted();
      return { ...at, is: 'gone', why: error instanceof Error ? error.message : String(error) };
    }
  }

  async function one(
    files: Pick<WindowToJudge, 'collected' | 'read'> & {
      readonly medianBy: (vocabulary: number) => Promise<number>;
    },
    miner: Hotkey,
    record: Uint8Array,
  ): Promise<ReplayedVerdict> {
    const { collected } = files;
    const { window, context } = collected;
    const at = { window, miner };
    if (!isVerdict(record)) return { ...at, is: 'refused', why: 'not a verdict in its one spelling' };
    try {
      const { auditBeacon, before, median, validator } = decodeVerdict(record);
      const refused = (why: string): ReplayedVerdict => ({ ...at, is: 'refused', why });
      if (options.of && !equals(validator, fromAddress(options.of.validator)))
        return refused('by another validator than the one whose ledger this is');
      if (!isRound(context.beacon)) return refused("the window's round is not the beacon's");
      if (auditBeacon.round !== collected.round || auditBeacon.kind !== context.beacon.kind)
        return refused('audited with another round than it had to wait for');
      if (!isRound(auditBeacon)) return refused("the audit's round is not the beacon's");
      if (!equals(encodeStanding(before), encodeStanding(book.standingOf(miner))))
        return refused('the standing before is not what earlier windows came to');
      const delivery = collected.deliveries.find((each) => each.miner === miner);
      if (!delivery || !isJudged(delivery)) return refused('nothing of this miner was delivered');
      const model = await parts.modelOf(context.checkpointDigest, signal);
      const known = await files.medianBy(model.vocabulary);
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

/** What a window of this chain, subnet and plan cannot be. */
function otherThan(
  { genesis, netuid, plan }: RolloutLedgerOf,
  { window, context, startBlock: start, deadlineBlock: end }: Collected,
): string | undefined {
  if (!equals(context.genesis, genesis)) return 'of another chain than its ledger';
  if (context.netuid !== netuid) return 'of another subnet than its ledger';
  if (context.window !== window) return `handed in under the number ${context.window}`;
  if (start !== startBlock(plan, window) || end !== deadlineBlock(plan, window))
    return `blocks ${start} to ${end}, and by the plan ${startBlock(plan, window)} to ${deadlineBlock(plan, window)}`;
  return undefined;
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
