// Owns: a miner's story from its checks: what became of them and why, times beside those of its class, what its credit is worth. Pure.
// Does not own: how it looks (page.ts), charts (charts.ts), where checks come from (history.ts, receipts.ts).
import { type ChainFacts, isBurned, minerEmission, perDayRao } from '../chain-facts.js';
import type { Band, Check, History } from '../history.js';
import type { ParameterFacts } from '../parameter-facts.js';
import type { Receipts } from './receipts.js';

export interface MinerSource {
  /** a validator's, of all hotkeys */
  readonly history: History | undefined;
  /** a miner's own, of all validators */
  readonly receipts?: Receipts | undefined;
  readonly parameters: ParameterFacts;
  chain(): ChainFacts | undefined;
}

export interface OutcomeCount {
  readonly verdict: Check['verdict'];
  readonly reason: string;
  readonly count: number;
  readonly newest: Check;
}

/** One parameter set's times, ms. */
export interface Timing {
  readonly paramsId: string;
  readonly className: string | undefined;
  readonly windowMs: number | undefined;
  readonly checks: number;
  /** of this miner's accepted ones */
  readonly ownMs: number | undefined;
  /** of everybody's; undefined where too few are known */
  readonly band: Band | undefined;
}

export interface MinerStory {
  readonly hotkey: string;
  /** newest first */
  readonly checks: readonly Check[];
  /** more were made than are shown */
  readonly isCut: boolean;
  readonly counts: readonly OutcomeCount[];
  readonly timings: readonly Timing[];
  /** what each of `credit` is the mean of */
  readonly of: 'epoch' | 'day';
  /** mean share of what was judged, oldest first; `label` is an epoch, or a day where nobody said epochs */
  readonly credit: readonly {
    readonly label: string;
    readonly share: number | undefined;
    readonly checks: number;
  }[];
  readonly validators: readonly string[];
}

/** Checks that a page is made of. */
export const MOST_CHECKS = 2000;

/** undefined for a hotkey that nobody here ever checked */
export function storyOf(source: MinerSource, hotkey: string): MinerStory | undefined {
  const checks = checksOf(source, hotkey);
  if (checks === undefined) return undefined;
  return {
    hotkey,
    checks,
    isCut: checks.length === MOST_CHECKS,
    counts: countsOf(checks),
    timings: timingsOf(checks, source),
    of: checks.some(({ epoch }) => epoch === undefined) ? 'day' : 'epoch',
    credit: creditOf(checks),
    validators: [...new Set(checks.map(({ validator }) => validator))].filter((name) => name !== ''),
  };
}

function checksOf({ history, receipts }: MinerSource, hotkey: string): readonly Check[] | undefined {
  const own = receipts?.hotkey === hotkey ? receipts : undefined;
  const checks = own ? own.checks(MOST_CHECKS) : history?.checksOf(hotkey, MOST_CHECKS);
  return checks === undefined || checks.length === 0 ? undefined : checks;
}

function countsOf(checks: readonly Check[]): OutcomeCount[] {
  const counts = new Map<string, { count: number; newest: Check }>();
  for (const check of checks) {
    const name = `${check.verdict} ${check.reason}`;
    const known = counts.get(name);
    if (known) known.count++;
    else counts.set(name, { count: 1, newest: check });
  }
  return [...counts.values()]
    .map(({ count, newest }) => ({ verdict: newest.verdict, reason: newest.reason, count, newest }))
    .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
}

function timingsOf(checks: readonly Check[], { history, parameters }: MinerSource): Timing[] {
  const sets = new Map<string, number[]>();
  const seen = new Map<string, number>();
  for (const { paramsId, measuredMs, verdict } of checks) {
    seen.set(paramsId, (seen.get(paramsId) ?? 0) + 1);
    const own = sets.get(paramsId) ?? [];
    sets.set(paramsId, own);
    if (measuredMs !== undefined && verdict === 'accepted') own.push(measuredMs);
  }
  return [...sets].map(([paramsId, own]) => {
    const set = parameters.set(paramsId);
    own.sort((a, b) => a - b);
    return {
      paramsId,
      className: set?.className,
      windowMs: set?.windowMs,
      checks: seen.get(paramsId)!,
      ownMs: own[Math.floor(own.length / 2)],
      band: history?.band(paramsId),
    };
  });
}

/** Bars of the credit chart at most. */
const MOST_BARS = 48;

function creditOf(checks: readonly Check[]): MinerStory['credit'] {
  const sums = new Map<string, { share: number; judged: number; checks: number }>();
  for (const { epoch, atMs, share, verdict, liveness } of checks) {
    const label = epoch === undefined ? new Date(atMs).toISOString().slice(0, 10) : `${epoch}`;
    const sum = sums.get(label) ?? { share: 0, judged: 0, checks: 0 };
    sums.set(label, sum);
    sum.checks++;
    if (verdict === 'inconclusive' || liveness) continue;
    sum.judged++;
    sum.share += share;
  }
  return [...sums]
    .slice(0, MOST_BARS)
    .reverse()
    .map(([label, { share, judged, checks: count }]) => ({
      label,
      share: judged === 0 ? undefined : share / judged,
      checks: count,
    }));
}

/** What a miner is paid by the chain, step by step; rao. */
export interface Earning {
  readonly uid: number;
  /** of 1 */
  readonly incentive: number;
  /** what the last epoch assigned to all miners, and to this one; for incentive, without dividends */
  readonly allRao: bigint;
  readonly ownRao: bigint;
  readonly epochsPerDay: number;
  readonly perDayRao: bigint;
  /** TAO at the pool's price, without what selling moves it; undefined where no price is known */
  readonly taoPerDayRao: bigint | undefined;
  /** one hundredth of the incentive, a day */
  readonly pointPerDayRao: bigint;
  /** its pay is burned */
  readonly isBurned: boolean;
}

const RAO = 1_000_000_000n;

/** undefined where it is not registered, or no chain is known */
export function earningOf(chain: ChainFacts | undefined, hotkey: string): Earning | undefined {
  const neuron = chain?.neurons.find((each) => each.hotkey === hotkey);
  if (!chain || !neuron) return undefined;
  const { allRao, shares, of } = minerEmission(chain.neurons);
  const ownRao = of(neuron);
  const day = perDayRao(chain, ownRao);
  return {
    uid: neuron.uid,
    incentive: shares === 0 ? 0 : neuron.incentive / shares,
    allRao,
    ownRao,
    epochsPerDay: 86_400_000 / (chain.blockTimeMs * chain.epochBlocks),
    perDayRao: day,
    taoPerDayRao: chain.priceRao === undefined ? undefined : (day * chain.priceRao) / RAO,
    pointPerDayRao: perDayRao(chain, allRao) / 100n,
    isBurned: isBurned(chain, neuron),
  };
}
