// Owns: how the demo's result looks to a person.
import { type Check, type DemoReport, TOO_BUSY } from '../../testing/report.js';
import { tao } from '../../testing/setup.js';
import { Table } from '../table.js';

export function minerTable(report: DemoReport): string {
  const table = new Table({
    head: [
      'uid',
      'miner',
      'slots',
      'checks',
      'accepted',
      'verdicts and reasons',
      'score',
      'weight',
      'incentive',
      'alpha earned',
    ],
  });
  for (const miner of report.miners) {
    const reasons = Object.entries(miner.reasons).map(([reason, count]) => `${count} ${reason}`);
    table.push([
      miner.uid,
      miner.behaviour,
      `${miner.slots} paced`,
      miner.checks,
      miner.accepted,
      reasons.join(', ') || 'all accepted',
      Object.values(miner.scores)
        .map((score) => score.toFixed(2))
        .join(' / '),
      Object.values(miner.weights).join(' / '),
      miner.incentive,
      tao(BigInt(miner.alphaEarned)),
    ]);
  }
  return table.toString();
}

export function validatorTable(report: DemoReport): string {
  const table = new Table({
    head: ['uid', 'validator', 'alpha staked', 'weights set at block', 'alpha earned'],
  });
  for (const { uid, hotkey, stake, weightsSetAtBlock, alphaEarned } of report.validators)
    table.push([uid, hotkey, tao(BigInt(stake)), weightsSetAtBlock ?? 'never', tao(BigInt(alphaEarned))]);
  return table.toString();
}

export function checkLines(checks: readonly Check[]): string {
  return checks.map(({ what, ok, found }) => `  ${ok ? 'yes' : 'NO '}  ${what} (${found})`).join('\n');
}

/** What was missed, and what no check of this kind can see. */
export function closingLines(report: DemoReport, missed: number, refusedForwards: number): string {
  const lines = [
    `relays forwarded its own Go to honest-small: refused ${refusedForwards} times at the envelope`,
    `burned: ${tao(BigInt(report.burned))} alpha that proven slots missed went to the owner's hotkey and was burned`,
    `honest miners missed ${(missed * 100).toFixed(1)} % of their windows (above ${TOO_BUSY * 100} % nothing here would mean anything)`,
    'not shown, because no software check can see it: a miner that relays challenges to a machine of its own that is',
    'otherwise idle proves control of that machine, not that it stands behind the announced address.',
  ];
  return lines.join('\n');
}
