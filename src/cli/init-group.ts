// Owns: names and flags of `assay init`. Does not own: what it does.
import { type Command, Option } from 'commander';
import { integer } from './numbers.js';
import type { Run } from './run.js';

export function registerInit(program: Command, run: Run): void {
  program
    .command('init')
    .description(
      'begin a project in an empty folder: a miner, a validator, or a subnet with a proof of its own',
    )
    .argument('[what]', 'miner, validator or subnet')
    .argument('[folder]', 'empty, or not there yet (this one)')
    .option('--name <name>', "of the project (the folder's)")
    .option('--chain <urls>', 'nodes of the chain, or finney, test (ws://127.0.0.1:9944)')
    .option('--netuid <n>', 'number of the subnet (1)', integer)
    .option(
      '--hotkey <file or uri>',
      'hotkey file of a Bittensor wallet, or for localnets a URI such as //Alice',
    )
    .option('--host <address>', 'of a miner: address to bind (127.0.0.1)')
    .option('--announce-ip <address>', 'of a miner: address at which validators reach it (the bound one)')
    .option('--slots <slot...>', 'of a miner: what it claims (compute:cpu-2048)')
    .option('--assay <file>', 'depend on this package, made by npm run pack, and not on the registry')
    .addOption(new Option('--yes', 'ask nothing: what is not said has its default'))
    .option('--json', 'one JSON object: what was written where')
    .addHelpText(
      'after',
      `
On a terminal it asks for what was not said; elsewhere, or with --yes, defaults hold. Nothing is written before the
last answer, and nothing is ever replaced: a folder with anything in it (.git aside) is refused.

Examples:
  assay init subnet my-subnet
  assay init miner my-miner --chain finney --netuid 4 --hotkey ~/.bittensor/wallets/w/hotkeys/default --yes`,
    )
    .action(async (what: string | undefined, folder: string | undefined, flags: Record<string, unknown>) => {
      const { init } = await import('./commands/init.js');
      return run((signal) => init({ what, folder }, flags, signal));
    });
}
