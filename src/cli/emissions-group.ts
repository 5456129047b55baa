// Owns: names and flags of `assay emissions`. Each command's work is in commands/emissions/, loaded when it is called.
import type { Command } from 'commander';
import { decimal, integer } from './numbers.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

const each = (text: string, before: readonly string[] = []): string[] => [...before, text];
const POINTS = 'points of each series, an even number (512); above the epochs, each of them is there';

export function registerEmissions(program: Command, run: Run): void {
  const emissions = program
    .command('emissions')
    .description(
      "the chain's economics: simulate a subnet, sweep and search its parameters, run epochs exactly",
    );
  registerSimulate(emissions, run);
  registerSweep(emissions, run);
  registerSearch(emissions, run);
  registerReport(emissions, run);
  registerScenarios(emissions, run);
  registerSchedule(emissions, run);
  registerEpoch(emissions, run);
}

function registerSimulate(emissions: Command, run: Run): void {
  scenarioOptions(emissions.command('simulate'))
    .description("run a scenario in the chain's own arithmetic: who earns what, what becomes of the price")
    .option('--deviations', 'who gains by not being honest (where somebody is not)')
    .option('--no-deviations', 'leave that out')
    .option('--points <n>', POINTS, integer)
    .option('--out <file>', 'write there what --json prints')
    .addHelpText(
      'after',
      `
Example:
  assay emissions simulate burn-share --set owner.burnShare=0.3 --epochs 200`,
    )
    .action(async (scenario: string, flags: Flags) => {
      const { simulateScenario } = await import('./commands/emissions/simulate.js');
      return run((signal) => simulateScenario(scenario, flags, signal));
    });
}

function registerSweep(emissions: Command, run: Run): void {
  scenarioOptions(emissions.command('sweep'))
    .description('run a scenario at every combination of values')
    .option('--vary <path=values>', 'FROM:TO:STEP or A,B,C; once for each axis', each)
    .option('--metric <name>', 'a column of the table, once for each; JSON has them all', each)
    .option('--threads <n>', 'simulations at once (as many as CPUs, 16 at most)', integer)
    .option('--out <file>', 'append each finished point there; the same command goes on where it stopped')
    .addHelpText(
      'after',
      `
Example:
  assay emissions sweep burn-share --vary owner.burnShare=0:1:0.1 --metric tao.share --metric costly.profitTao

--out is JSON lines: a header naming scenario, axes and version, then one line for each point, in the order in which
they were finished. After Ctrl-C (exit 130) or a crash, what is finished is there. While it is written, FILE.lock
keeps other sweeps away from it.`,
    )
    .action(async (scenario: string, flags: Flags) => {
      const { sweepScenario } = await import('./commands/emissions/sweep.js');
      return run((signal) => sweepScenario(scenario, flags, signal));
    });
}

function registerSearch(emissions: Command, run: Run): void {
  scenarioOptions(emissions.command('search'))
    .description('find the smallest or largest value of a parameter at which a target holds')
    .option('--vary <path>', 'path of a number in the scenario')
    .option('--from <number>', 'lower end of the range', decimal)
    .option('--to <number>', 'upper end of the range', decimal)
    .option('--target <text>', 'comparisons of metrics and numbers, joined by "and"')
    .option('--smallest', 'look for the smallest value at which it holds')
    .option('--largest', 'look for the largest')
    .option('--integer', 'whole numbers only')
    .option('--tolerance <number>', 'how close the answer has to be (a thousandth of the range; 1)', decimal)
    .option('--samples <n>', 'values over the range that are tried first (9)', integer)
    .option('--threads <n>', 'simulations at once (as many as CPUs, 16 at most)', integer)
    .addHelpText(
      'after',
      `
Examples:
  assay emissions search burn-share --vary owner.burnShare --from 0 --to 1 --target 'costly.profitTao >= 0' --largest
  assay emissions search cabal-40 --vary subnet.kappa --from 0 --to 65535 --integer --smallest \\
    --target 'friends.incentiveShare < cabal.stakeShare'

A side of a comparison (>=, <=, >, <) is a number, a metric, or NUMBER * METRIC. Samples over the whole range come
first and tell whether it changes once; then the interval with the wanted end is halved.
Exits 1 when the target holds nowhere.`,
    )
    .action(async (scenario: string, flags: Flags) => {
      const { searchScenario } = await import('./commands/emissions/search.js');
      return run((signal) => searchScenario(scenario, flags, signal));
    });
}

function registerReport(emissions: Command, run: Run): void {
  scenarioOptions(emissions.command('report'))
    .description('run a scenario and write what it says into one HTML file that needs no network')
    .option('--sweep <file>', 'show this sweep too: a file of sweep --out, or what sweep --json printed')
    .option('--no-deviations', 'leave out who gains by not being honest')
    .option('--points <n>', POINTS, integer)
    .option('--out <file>', 'the file (<name of the scenario>.html); an earlier report is replaced')
    .option('--force', 'write over a file that is no report')
    .addHelpText(
      'after',
      `
Example:
  assay emissions sweep cabal-40 --vary owner.burnShare=0:0.8:0.1 \\
    --vary validators.cabal.stakeAlpha=40000,80000,120000 --out sweep.jsonl
  assay emissions report cabal-40 --sweep sweep.jsonl --out cabal.html`,
    )
    .action(async (scenario: string, flags: Flags) => {
      const { writeReport } = await import('./commands/emissions/report.js');
      return run((signal) => writeReport(scenario, flags, signal));
    });
}

function registerScenarios(emissions: Command, run: Run): void {
  emissions
    .command('scenarios')
    .description('the scenarios that ship')
    .option('--show <name>', 'print one as a file to start from')
    .option('--schema', 'print the JSON schema of scenario files, for editors')
    .option('--write <folder>', 'write all of them and the schema into a folder')
    .option('--seed <text>', 'seed of what is printed or written')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Example:
  assay emissions scenarios --show cabal-51 > mine.json && assay emissions simulate mine.json`,
    )
    .action(async (flags: Flags) => {
      const { listScenarios } = await import('./commands/emissions/scenarios.js');
      return run(() => listScenarios(flags));
    });
}

function registerSchedule(emissions: Command, run: Run): void {
  emissions
    .command('schedule')
    .description('a schedule of emission or pay as numbers; without a name, those that ship')
    .argument(
      '[schedule]',
      'name of a schedule that ships, a JSON file (./bitcoin for a file of such a name), or - for standard input',
    )
    .option('--days <n>', "rows up to this day (the schedule's life, else 5844)", integer)
    .option('--every <n>', 'day 1, every n-th day and the last (a twentieth of --days)', integer)
    .option('--burn-rate <share>', 'part of the supply that is burned in each tail epoch, 0 to 1')
    .option('--at <tokens...>', 'inputs of a stake boost or an access budget')
    .option('--seed <text>', 'without effect: nothing here is random')
    .option('--json', 'one JSON document, amounts as integers of 10^-9')
    .addHelpText(
      'after',
      `
Example:
  assay emissions schedule morpheus --days 11667 --every 5833 --burn-rate 0.25`,
    )
    .action(async (schedule: string | undefined, flags: Flags) => {
      const { showSchedule } = await import('./commands/emissions/schedule.js');
      return run(() => showSchedule(schedule, flags));
    });
}

function registerEpoch(emissions: Command, run: Run): void {
  emissions
    .command('epoch')
    .description('run epochs from a file of cases, exactly as the chain does')
    .argument('<file>', 'JSON: one case or {"cases": [...]}; - for standard input')
    .option('--check', 'compare with what the file expects; exits 1 at the first difference, naming it')
    .option('--json', 'results as one JSON document, in a terminal and with --check too')
    .addHelpText(
      'after',
      `
Example:
  assay emissions epoch tests/vectors/yuma-cases.json --check

It prints {"cases": [{"id", "steps": [...]}]}, in a terminal a table for each step instead.`,
    )
    .action(async (file: string, flags: { json?: boolean; check?: boolean }) => {
      const { runEpochFile } = await import('./commands/emissions/epoch.js');
      return run(() => runEpochFile(file, flags));
    });
}

function scenarioOptions(command: Command): Command {
  return command
    .argument('<scenario>', 'name of a scenario that ships, a JSON file, or - for standard input')
    .option('--seed <text>', "in place of the scenario's own")
    .option('--epochs <n>', "in place of the scenario's own", integer)
    .option('--set <path=value>', 'replace one value, e.g. owner.burnShare=0.4; once for each', each)
    .option('--json', 'one JSON document');
}
