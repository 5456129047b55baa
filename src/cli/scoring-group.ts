// Owns: names and flags of `assay scoring`. Each command's work is in commands/scoring/, loaded when it is called.
import type { Command } from 'commander';
import { addModuleOption } from './module-option.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerScoring(program: Command, run: Run): void {
  const scoring = program
    .command('scoring')
    .description("a subnet's policy: what it pays, whether lying pays under it, what it would have paid");
  scoring
    .command('init')
    .description('write a policy that comes with this build as a file to change')
    .argument('[name]', 'compute, rollouts or mixed', 'compute')
    .option('--out <file>', 'where to; standard output without it')
    .option('--json', 'with --out one JSON document about it')
    .action(async (name: string, flags: Flags) => {
      const { initPolicy } = await import('./commands/scoring/init.js');
      return run(() => initPolicy(name, flags));
    });
  scoring
    .command('schema')
    .description('the form of a policy as JSON schema, for editors')
    .action(async () => {
      const { printSchema } = await import('./commands/scoring/init.js');
      return run(async () => printSchema());
    });
  addModuleOption(scoring.command('check'))
    .description('read a policy strictly; say what it pays, and for each lie whether it would pay')
    .argument('<policy>', 'a file, - for standard input, or compute, rollouts, mixed')
    .option(
      '--params <file>',
      "the subnet's parameter file, whose kinds and classes the policy may name (this build's)",
    )
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
A margin is what being caught costs, over what the lie gains, at the share of the work where that is least: above 1 no such lie
pays. The break-even cheat is the smallest share of the work at which it does. What no proof can tell has no margin and is
listed apart.
Exits 0 when every margin is above 1 and nothing is gained by names, 1 when not, 2 for what is no policy, naming the key.`,
    )
    .action(async (policy: string, flags: Flags) => {
      const { checkPolicy } = await import('./commands/scoring/check.js');
      return run(() => checkPolicy(policy, flags));
    });
  addModuleOption(scoring.command('preview'))
    .description(
      'what a policy would have paid on a ledger, by hotkey, with the reason for every zero and every cut',
    )
    .argument('<policy>', 'a file, - for standard input, or compute, rollouts, mixed')
    .requiredOption('--data <folder>', "a validator's data folder")
    .option('--against <policy>', 'another policy: what it would have paid, and the difference')
    .option('--epoch <n..m>', 'only these epochs of the chain: 7, 7.., ..9, 7..9 (all that are kept)')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
What does not follow from outcomes (coldkeys, stake, rollout credit, used time) is what the ledger has of each epoch that was
paid. Of others nothing of it is known: every hotkey is under a coldkey of its own.

Example:
  assay scoring preview policy.json --data .assay/validator --against compute --epoch 40..`,
    )
    .action(async (policy: string, flags: Flags) => {
      const { previewPolicy } = await import('./commands/scoring/preview.js');
      return run((signal) => previewPolicy(policy, flags, signal));
    });
}
