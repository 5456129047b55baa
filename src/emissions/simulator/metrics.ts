// Owns: the single numbers of a result, by name: what sweeps tabulate and searches look for. Does not own: runs.
import { AssayError } from '../../model/errors.js';
import { toTokens } from './amounts.js';
import type { GroupResult } from './groups.js';
import type { SimulationResult } from './simulate.js';
import { unpaidRao } from './subnet.js';

/** Every number of a result by name: `price.final`, `tao.share`, `emission.miners` (alpha a day), `<group>.profitTao`, ... */
export function metricsOf(result: SimulationResult): Readonly<Record<string, number>> {
  const { totals, final, groups, days } = result;
  const metrics: Record<string, number> = {
    'price.final': final.price,
    'price.moving': final.movingPrice,
    'pool.tao': toTokens(final.poolTaoRao),
    'pool.alpha': toTokens(final.poolAlphaRao),
    'tao.share': result.taoShare,
    'tao.perDay': toTokens(totals.taoInRao + totals.excessTaoRao) / days,
    'emission.miners': toTokens(totals.minersRao) / days,
    'emission.validators': toTokens(totals.validatorsRao) / days,
    'emission.owner': toTokens(totals.ownerRao) / days,
    'emission.root': toTokens(totals.rootRao) / days,
    'emission.burned': toTokens(totals.burnedRao + totals.recycledRao) / days,
    'emission.unpaid': toTokens(unpaidRao(totals)) / days,
    'burned.share': final.minerBurned,
    'burn.price': toTokens(final.burnTaoRao),
  };
  for (const group of groups)
    for (const [key, read] of Object.entries(GROUP_METRICS))
      metrics[`${group.name}.${key}`] = read(group, days);
  return metrics;
}

const GROUP_METRICS: Readonly<Record<string, (group: GroupResult, days: number) => number>> = {
  alphaPerDay: ({ earnedAlphaRao }, days) => toTokens(earnedAlphaRao) / days,
  salesTao: ({ salesTaoRao }) => toTokens(salesTaoRao),
  registrationTao: ({ registrationTaoRao }) => toTokens(registrationTaoRao),
  rentTao: ({ rentTao }) => rentTao,
  costTao: ({ costTao }) => costTao,
  profitTao: ({ profitTao }) => profitTao,
  incentiveShare: ({ incentiveShare }) => incentiveShare,
  dividendShare: ({ dividendShare }) => dividendShare,
  stakeShare: ({ stakeShare }) => stakeShare,
  /** above 1: earns more than its part of what validators stake */
  dividendPerStake: ({ dividendShare, stakeShare }) => (stakeShare === 0 ? 0 : dividendShare / stakeShare),
  validatorTrust: ({ validatorTrust }) => validatorTrust,
  servingShare: ({ servingShare }) => servingShare,
  uids: ({ uids }) => uids,
};

/** @throws AssayError `invalid-input` naming the metrics there are */
export function metricNamed(metrics: Readonly<Record<string, number>>, name: string): number {
  if (Object.hasOwn(metrics, name)) return metrics[name]!;
  const expected = Object.keys(metrics).join(', ');
  throw new AssayError('invalid-input', `${name}: no such metric; there are ${expected}`, {
    what: 'metric',
    expected,
    got: name,
  });
}
