// Owns: names and flags of what `assay validator` does with a ledger, and of its preview. Each command's work is in commands/,
// loaded when it is called.
import type { Command } from 'commander';
import { addNetworkOptions } from './chain-options.js';
import { addModuleOption } from './module-option.js';
import { integer } from './numbers.js';
import type { Run } from './run.js';
import { addWalletOptions } from './wallets.js';

type Flags = Record<string, unknown>;

const EPOCHS = 'only these epochs of the chain: 7, 7.., ..9, 7..9 (all)';

export function registerLedger(validator: Command, run: Run): void {
  addModuleOption(validator.command('replay'))
    .description(
      'judge an outcome again from stored bytes and its parameter file alone, with fresh private projections; or all of them, and every row of weights',
    )
    .argument('[outcome]', 'name of the outcome, or a unique beginning of it (see: assay validator outcomes)')
    .requiredOption('--data <folder>', "the validator's data folder")
    .option(
      '--all',
      'every row of weights from the outcomes before it, and every outcome whose bytes are kept',
    )
    .option('--epoch <n..m>', `with --all ${EPOCHS}`)
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Exits 0 when the ledger agrees, 1 when it does not, 4 when there is nothing to recompute: the evidence has
expired, or the outcome is inconclusive, which rests on a fault of the validator and not on evidence; 2 for a ledger
that is torn or was altered, naming file and record.`,
    )
    .action(async (outcome: string | undefined, flags: Flags) => {
      const { replayFrom } = await import('./commands/validator-ledger.js');
      return run((signal) => replayFrom(outcome, flags, signal));
    });
  addWalletOptions(validator.command('export'))
    .description('write a ledger, or some of its epochs, as one file that its hotkey signs')
    .requiredOption('--data <folder>', "the validator's data folder; the validator may be running")
    .requiredOption('--out <file>', 'where to')
    .option('--epoch <n..m>', EPOCHS)
    .option('--no-evidence', 'outcomes and rows alone: paid again they can be, judged again they cannot')
    .option('--move', 'end the ledger here: it goes on where the file is imported with --go-on')
    .option('--json', 'one JSON document')
    .action(async (flags: Flags) => {
      const { exportTo } = await import('./commands/validator-ledger.js');
      return run((signal) => exportTo(flags, signal));
    });
  addWalletOptions(validator.command('import'))
    .description('make a data folder of such a file: nothing is in its place before signature and links hold')
    .argument('<file>')
    .requiredOption('--data <folder>', 'one without a ledger')
    .option('--netuid <n>', 'the subnet whose it must be', integer)
    .option('--go-on', 'go on with it here, as --hotkey: of one that was exported with --move')
    .option('--json', 'one JSON document')
    .action(async (file: string, flags: Flags) => {
      const { importFrom } = await import('./commands/validator-ledger.js');
      return run((signal) => importFrom(file, flags, signal));
    });
  validator
    .command('compare')
    .description('where the ledgers of two validators differ, and why')
    .argument('<a>', "a validator's data folder, or a file of `assay validator export`")
    .argument('<b>', 'another one of the same subnet')
    .option('--epoch <n..m>', EPOCHS)
    .option('--last <n>', 'so many differences in full', integer, 50)
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExits 0 when they say the same, 1 when they differ, 2 for ledgers of two subnets.',
    )
    .action(async (a: string, b: string, flags: Flags) => {
      const { compare } = await import('./commands/validator-ledger.js');
      return run((signal) => compare(a, b, flags, signal));
    });
  addModuleOption(addNetworkOptions(validator.command('preview')))
    .description("run the chain's next epoch with the weights about to be set, and without them")
    .requiredOption('--data <folder>', "the validator's data folder")
    .option('--netuid <n>', "subnet (the ledger's)", integer)
    .option('--mechanism <n>', 'mechanism whose weights are set (0)', integer)
    .option('--policy <policy>', 'a file or a name, in place of the one that counts')
    .option('--receipts <file>', 'usage receipts of this epoch, one JSON object a line')
    .addHelpText(
      'after',
      `
Rows of other validators are taken as they stand. One that is committed and not revealed is not known to anybody, and is said
to be so. Alpha is what was set aside by now.`,
    )
    .action(async (flags: Flags) => {
      const { previewEpoch } = await import('./commands/validator-preview.js');
      return run((signal) => previewEpoch(flags, signal));
    });
}
