// Owns: the names and flags of `assay validator start | outcomes`. Does not own: those of its ledger (ledger-group.ts), what they do.
import type { Command } from 'commander';
import { registerLedger } from './ledger-group.js';
import { integer } from './numbers.js';
import { addRoleOptions } from './role-options.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerValidator(program: Command, run: Run): void {
  const validator = program.command('validator').description('check miners, keep evidence, set weights');
  addRoleOptions(validator.command('start'), 'validator')
    .description(
      'challenge every miner of a subnet in common events and set weights once per epoch, until Ctrl-C',
    )
    .action(async (flags: Flags) => {
      const [{ startValidator }, { refusingCorrupt }] = await Promise.all([
        import('./commands/validator.js'),
        import('./ledgers.js'),
      ]);
      return run((signal) => refusingCorrupt(() => startValidator(flags, signal)));
    });
  validator
    .command('outcomes')
    .description('list what the journal holds: every verdict with its reason and its name')
    .requiredOption('--data <folder>', "the validator's data folder")
    .option('--miner <hotkey>', 'only this miner')
    .option('--last <n>', 'only the newest n', integer, 50)
    .option('--json', 'one JSON object a line')
    .action(async (flags: Flags) => {
      const { listOutcomes } = await import('./commands/validator.js');
      return run(() => listOutcomes(flags));
    });
  registerLedger(validator, run);
}
