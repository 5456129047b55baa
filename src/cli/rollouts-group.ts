// Owns: names and flags of `assay rollouts`. Each command's work is in commands/rollouts/, loaded when it is called.
import type { Command } from 'commander';
import { integer } from './numbers.js';
import type { Run } from './run.js';

export function registerRollouts(program: Command, run: Run): void {
  const rollouts = program
    .command('rollouts')
    .description('windows of rollouts: what was judged, and the same judged again');

  rollouts
    .command('show')
    .description("verdicts, detectors and credit of a validator's windows")
    .argument('<folder>', "a validator's data folder")
    .option('--window <n>', 'that one alone', integer)
    .option('--json', 'one JSON document')
    .action(async (folder: string, flags: { window?: number; json?: boolean }) => {
      const { show } = await import('./commands/rollouts/show.js');
      return run(() => show(folder, flags));
    });

  rollouts
    .command('replay')
    .description('judge every verdict of a ledger again and compare the bytes')
    .argument('<folder>', "a validator's data folder: its ledger, files and checkpoints")
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Nothing but the folder is asked: rounds are checked by their signatures, draws by the validator's random function, standings by the
windows before, tokens by the checkpoint's model. Exits 0 when all are the same, 1 when one is not, 4 when files or checkpoints are
not kept any more.`,
    )
    .action(async (folder: string, flags: { json?: boolean }) => {
      const { replay } = await import('./commands/rollouts/replay.js');
      return run((signal) => replay(folder, flags, signal));
    });
}
