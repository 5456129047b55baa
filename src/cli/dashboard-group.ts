// Owns: names and flags of `assay dashboard`. Does not own: what it does (commands/dashboard.ts).
import type { Command } from 'commander';
import { addModuleOption } from './module-option.js';
import { integer } from './numbers.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerDashboard(program: Command, run: Run): void {
  const dashboard = addSources(
    program
      .command('dashboard')
      .description(
        "pages of a subnet in a browser, from a validator's folder, a miner's, a chain; until Ctrl-C",
      ),
  )
    .option('--host <address>', 'address to listen on; others reach it only with a token', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0 picks one', integer, 8787)
    .option('--token-file <file>', 'the token that whoever looks must hold; made where there is none')
    .option('--host-name <name...>', 'names under which it is reached, beside localhost and addresses')
    .option(
      '--owner',
      "with the page of suspicions, which is the subnet owner's: hotkeys that seem to be one",
    )
    .addHelpText(
      'after',
      `
Nothing can be changed from the pages. On an address other than loopback a token is required; without --token-file one is
drawn and is part of the address that is printed.`,
    )
    .action(async (flags: Flags) => {
      const { showDashboard } = await import('./commands/dashboard.js');
      return run((signal) => showDashboard(flags, signal));
    });
  addSources(dashboard.command('export'))
    .description('write the pages that anybody may see as files, for any web host')
    .argument('<folder>', 'one that is empty, or that an export wrote')
    .action(async (folder: string, _flags: Flags, command: Command) => {
      const { exportPages } = await import('./commands/dashboard.js');
      // what both know is taken by whichever comes first
      const { host, port, tokenFile, hostName, owner, ...flags } = command.optsWithGlobals() as Flags;
      return run((signal) => exportPages(folder, flags, signal));
    });
}

const addSources = (command: Command): Command =>
  addModuleOption(command)
    .option('--data <folder>', "a validator's data folder; the validator may be running")
    .option('--miner <folder>', "a miner's data folder; the miner may be running")
    .option(
      '--network <name or urls>',
      'finney, test, archive, local, or ws:// addresses; several: repeated or with commas (no chain is read)',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option('--genesis <hash>', 'the chain must have this block 0; named networks pin their own')
    .option('--netuid <n>', "subnet (the folder's)", integer)
    .option('--mechanism <n>', 'mechanism whose weights are shown (0)', integer)
    .option('--json', 'one JSON document');
