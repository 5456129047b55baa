// Owns: names and flags of `assay checkpoint`. Each command's work is in commands/checkpoint/, loaded when it is called.
import type { Command } from 'commander';
import { addNetworkOptions, addSendingOptions } from './chain-options.js';
import { integer } from './numbers.js';
import type { Run } from './run.js';
import { addWalletOptions } from './wallets.js';

type Flags = Record<string, unknown>;

export function registerCheckpoint(program: Command, run: Run): void {
  const checkpoint = program
    .command('checkpoint')
    .description('weights from a trainer to miners and validators: signed, by digest, as small deltas');

  addWalletOptions(checkpoint.command('publish'))
    .description('sign a master file as the checkpoint of a window, with a delta from the one before')
    .argument('<master>', 'safetensors file, weights in bfloat16')
    .requiredOption('--store <folder>', "the trainer's folder of checkpoints; made where there is none")
    .requiredOption('--model <id>', 'name of the model')
    .requiredOption('--step <n>', 'step of the training, after the one before', integer)
    .requiredOption('--window <n>', 'the window that it counts in, after the one before', integer)
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
It is signed by --hotkey. What earlier windows needed and the last four do not is removed from the store.
A window has one checkpoint: a second one is refused, and so is a step that is not after the last.

Example:
  assay checkpoint publish model.safetensors --store checkpoints --model tiny --step 8 --window 120 --hotkey //Trainer`,
    )
    .action(async (master: string, flags: Flags) => {
      const { publish } = await import('./commands/checkpoint/publish.js');
      return run((signal) => publish(master, flags, signal));
    });

  addSendingOptions(addWalletOptions(addNetworkOptions(checkpoint.command('commit'))))
    .description(
      'commit to a checkpoint on the chain: that of the windows of rollouts that begin some blocks later',
    )
    .requiredOption('--store <folder>', "the trainer's folder of checkpoints")
    .option('--netuid <n>', 'subnet', integer)
    .option('--window <n>', "that window's checkpoint (the newest)", integer)
    .option('--digest <hex>', 'this checkpoint, whatever heads say')
    .addHelpText(
      'after',
      `
It takes the place of what --hotkey had committed to. Miners and validators go by what stood there five blocks before a window's first.

Example:
  assay checkpoint commit --store checkpoints --netuid 7 --network finney --wallet trainer --hotkey default`,
    )
    .action(async (flags: Flags) => {
      const { commit } = await import('./commands/checkpoint/commit.js');
      return run((signal) => commit(flags, signal));
    });

  checkpoint
    .command('pull')
    .description('bring a checkpoint into a store of ours by the way with the fewest bytes, and check it')
    .requiredOption('--from <folder>', 'store that has it')
    .requiredOption('--store <folder>', 'store of ours; made where there is none')
    .option('--window <n>', "that window's checkpoint (the newest)", integer)
    .option('--digest <hex>', 'this checkpoint, whatever heads say')
    .option('--trainer <address>', "who must have signed it (the trainer of our store's, else anybody)")
    .option('--keep-all', 'remove nothing; without it the masters of the two newest windows are kept')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
What was there stays until the new master is on disk and compared. Exits 1 where no way leads to it, and where the
trainer signed two checkpoints for one window.`,
    )
    .action(async (flags: Flags) => {
      const { pull } = await import('./commands/checkpoint/pull.js');
      return run((signal) => pull(flags, signal));
    });

  checkpoint
    .command('verify')
    .description(
      'read all that a store has of a checkpoint, back to its anchor: signatures, digests, every tensor',
    )
    .requiredOption('--store <folder>', 'store of checkpoints')
    .option('--window <n>', "that window's checkpoint (the newest)", integer)
    .option('--digest <hex>', 'this checkpoint, whatever heads say')
    .option('--trainer <address>', 'who must have signed it (anybody)')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExits 1 when something is wrong, or the master of the checkpoint is not there.')
    .action(async (flags: Flags) => {
      const { verify } = await import('./commands/checkpoint/verify.js');
      return run((signal) => verify(flags, signal));
    });

  checkpoint
    .command('diff')
    .description('how two master files differ: density, steps, and what a delta would weigh')
    .argument('<before>', 'safetensors file')
    .argument('<after>', 'safetensors file of the same tensors')
    .option('--json', 'one JSON document')
    .action(async (before: string, after: string, flags: Flags) => {
      const { diff } = await import('./commands/checkpoint/diff.js');
      return run((signal) => diff(before, after, flags, signal));
    });
}
