// Owns: `assay emissions simulate`. Does not own: the simulation, its thread.
import { z } from 'zod';
import { toTokens } from '../../../emissions/simulator/amounts.js';
import type { Deviation } from '../../../emissions/simulator/deviations.js';
import type { GroupResult } from '../../../emissions/simulator/groups.js';
import { metricsOf } from '../../../emissions/simulator/metrics.js';
import type { SimulationResult } from '../../../emissions/simulator/simulate.js';
import { Subnet, unpaidRao } from '../../../emissions/simulator/subnet.js';
import { loadFlags } from '../../config.js';
import { EXIT, print, printJson, toJson } from '../../output.js';
import { openWholeFile } from '../../whole-file.js';
import { counted, figure, percent, tableOf, tokens } from './figures.js';
import { runFlags, runScenario } from './scenario-run.js';
import { loadScenario, scenarioFlags } from './scenario-source.js';

const flagsSchema = z.strictObject({
  ...scenarioFlags,
  ...runFlags,
  out: z.string().min(1).max(4096).optional(),
});

/**
 * Runs a scenario and prints what each group ends with.
 *
 * @param flags.out a file for the same document that `--json` prints: `result`, `metrics` and `deviations`
 * @returns 0, or 130 when interrupted
 * @throws AssayError `invalid-config` for flags, `invalid-input` for scenario and file
 */
export async function simulateScenario(
  nameOrFile: string,
  flags: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<number> {
  const checked = loadFlags(flagsSchema, flags);
  const scenario = await loadScenario(nameOrFile, checked);
  // before a long run, not after it
  const file =
    checked.out === undefined ? undefined : await openWholeFile(checked.out, `--out ${checked.out}`);
  const run = await runScenario(scenario, checked, signal);
  if (run === undefined) return EXIT.interrupted;

  const { result, deviations = [] } = run;
  const document = { result, metrics: metricsOf(result), deviations };
  await file?.write(`${toJson(document)}\n`);
  if (checked.json) printJson(document);
  else printResult(result, deviations);
  return EXIT.ok;
}

function printResult(result: SimulationResult, deviations: readonly Deviation[]): void {
  const { scenario, seed, epochs, days, version } = result;
  print(
    `${scenario.name}: ${counted(epochs, 'epoch')}, ${counted(Number(days.toFixed(2)), 'day')}; seed ${seed}, version ${version}`,
  );
  print('');
  print(groupTable(result.groups));
  print('');
  for (const line of subnetLines(result)) print(line);
  if (deviations.length === 0) return;
  print('');
  print('Against the same run with the coalition honest:');
  print(deviationTable(deviations));
}

function groupTable(groups: readonly GroupResult[]): string {
  const table = tableOf(
    ['group', 'behaviour', 'uids', 'alpha earned', 'incentive', 'dividends', 'trust', 'profit TAO'],
    2,
  );
  for (const group of groups) {
    const isValidator = group.role === 'validator';
    table.push([
      group.name,
      group.behaviour,
      group.uids,
      tokens(toTokens(group.earnedAlphaRao)),
      isValidator ? '' : percent(group.incentiveShare),
      isValidator ? percent(group.dividendShare) : '',
      isValidator ? group.validatorTrust.toFixed(4) : '',
      tokens(group.profitTao),
    ]);
  }
  return table.toString();
}

function subnetLines({ scenario, totals, final, taoShare, days }: SimulationResult): string[] {
  const emitted: [role: string, rao: bigint][] = [
    ['miners', totals.minersRao],
    ['validators', totals.validatorsRao],
    ['owner', totals.ownerRao],
    ['root', totals.rootRao],
    ['burned', totals.burnedRao],
    ['recycled', totals.recycledRao],
    ['nobody', unpaidRao(totals)],
  ];
  const all = emitted.reduce((sum, [, rao]) => sum + rao, 0n);
  const table = tableOf(['emission to', 'alpha', 'share'], 1);
  for (const [role, rao] of emitted)
    table.push([role, tokens(toTokens(rao)), all === 0n ? '' : percent(Number(rao) / Number(all))]);
  const tao = toTokens(totals.taoInRao + totals.excessTaoRao);
  return [
    table.toString(),
    '',
    `price      ${figure(new Subnet(scenario).price)} -> ${figure(final.price)} TAO; moving ${figure(final.movingPrice)}`,
    `pool       ${tokens(toTokens(final.poolTaoRao))} TAO, ${tokens(toTokens(final.poolAlphaRao))} alpha`,
    `TAO share  ${percent(taoShare)} of the chain's, ${tokens(tao / days)} TAO a day`,
    `burned     ${percent(final.minerBurned)} of the miners' part at the end`,
  ];
}

function deviationTable(deviations: readonly Deviation[]): string {
  const table = tableOf(
    ['coalition', 'behaviours', 'alpha earned', 'if honest', 'gain', 'profit TAO', 'if honest'],
    2,
  );
  for (const { coalition, behaviours, gain, ...amounts } of deviations)
    table.push([
      coalition,
      behaviours,
      tokens(amounts.earnedAlpha),
      tokens(amounts.honestEarnedAlpha),
      gain === undefined ? '' : `${gain >= 0 ? '+' : ''}${percent(gain)}`,
      tokens(amounts.profitTao),
      tokens(amounts.honestProfitTao),
    ]);
  return table.toString();
}
