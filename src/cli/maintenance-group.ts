// Owns: the names and flags of `assay miner maintenance`. Does not own: what its commands do.
import type { Command } from 'commander';
import { addNetworkOptions } from './chain-options.js';
import { addModuleOption } from './module-option.js';
import { decimal, integer } from './numbers.js';
import type { Run } from './run.js';
import { addHotkeyOptions } from './wallets.js';

type Flags = Record<string, unknown>;

/** @param miner the command `assay miner` */
export function registerMaintenance(miner: Command, run: Run): void {
  const maintenance = miner
    .command('maintenance')
    .description('declare hours in which validators do not challenge: unpaid, and no level falls');
  addModuleOption(signed(addNetworkOptions(maintenance.command('declare'))))
    .description('sign a declaration; a running miner shows it to validators within seconds')
    .requiredOption('--hours <n>', 'how long', decimal)
    .option(
      '--from <when>',
      'a block, or hours from now such as +2.5h (when all validators have heard of it)',
    )
    .option('--worker <tag...>', 'only these hosts of the hotkey, at most 16 (all)')
    .option('--policy <policy>', 'a file or a name: by whose allowance to check (the one without a policy)')
    .addHelpText(
      'after',
      `
A declaration counts from 100 blocks after a validator first heard of it, at most 6 hours in 7 days and 4 times, unless the subnet's
policy says otherwise. Nothing is paid for events in it; uptime, what a slot was worth, quarantine and probation stand still.

Example:
  assay miner maintenance declare --data .assay/miner --hotkey //Alice --netuid 1 --hours 2 --from +3h --worker host-2`,
    )
    .action(async (flags: Flags) => {
      const { declare } = await import('./commands/miner-maintenance.js');
      return run((signal) => declare(flags, signal));
    });
  signed(addNetworkOptions(maintenance.command('cancel')))
    .description(
      'end a declaration earlier: for validators, as long after they hear of it as one takes to begin',
    )
    .argument('<serial>', 'as `list` shows it', integer)
    .option('--at <block>', 'the first block that is not part of it any more (now)', integer)
    .action(async (serial: number, flags: Flags) => {
      const { cancel } = await import('./commands/miner-maintenance.js');
      return run((signal) => cancel(serial, flags, signal));
    });
  maintenance
    .command('list')
    .description('what is declared')
    .requiredOption('--data <folder>', "the miner's data folder")
    .option('--json', 'one JSON object a line')
    .action(async (flags: Flags) => {
      const { list } = await import('./commands/miner-maintenance.js');
      return run(() => list(flags));
    });
}

const signed = (command: Command): Command =>
  addHotkeyOptions(command)
    .requiredOption('--data <folder>', "the miner's data folder")
    .requiredOption('--netuid <n>', 'subnet', integer);
