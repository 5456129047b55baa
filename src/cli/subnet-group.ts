// Owns: names and flags of `assay subnet`. Each command's work is in commands/subnet/, loaded when it is called.
import type { Command } from 'commander';
import { addNetworkOptions, addSendingOptions } from './chain-options.js';
import { integer } from './numbers.js';
import type { Run } from './run.js';
import { addWalletOptions } from './wallets.js';

type Flags = Record<string, unknown>;

export function registerSubnet(program: Command, run: Run): void {
  const subnet = program.command('subnet').description('found a subnet, set its parameters, look at it');
  signing(subnet.command('create'))
    .description('found a subnet: the coldkey owns it, the hotkey becomes uid 0')
    .option('--start', 'wait until it may start, and start it')
    .option('--name <text>', 'identity: its name')
    .option('--github-repo <url>', 'identity: repository')
    .option('--contact <text>', 'identity: contact')
    .option('--url <url>', 'identity: page')
    .option('--discord <text>', 'identity: Discord')
    .option('--description <text>', 'identity: description')
    .option('--logo-url <url>', 'identity: logo')
    .option('--additional <text>', 'identity: anything else')
    .action(async (flags: Flags) => {
      const { createSubnet } = await import('./commands/subnet/create.js');
      return run((signal) => createSubnet(flags, signal));
    });
  netuid(signing(subnet.command('start')))
    .description('open trade and emission of a subnet; waits until the chain allows it')
    .action(async (flags: Flags) => {
      const { startSubnet } = await import('./commands/subnet/create.js');
      return run((signal) => startSubnet(flags, signal));
    });
  netuid(signing(subnet.command('set')))
    .description('set a hyperparameter, as owner or, on a localnet, as root')
    .argument('[name]', 'see --list')
    .argument('[value]', 'its value')
    .option('--sudo', 'as the chain’s root key, which --wallet names')
    .option('--list', 'what can be set, by whom, to what')
    .addHelpText(
      'after',
      `
Examples:
  assay subnet set immunity_period 7200 --netuid 1 --wallet mine
  assay subnet set weights_set_rate_limit 0 --netuid 1 --wallet //Alice --sudo

Negative values come after --: assay subnet set --netuid 1 --wallet mine -- alpha_sigmoid_steepness -5`,
    )
    .action(async (name: string | undefined, value: string | undefined, flags: Flags) => {
      const { setOfSubnet } = await import('./commands/subnet/set.js');
      return run((signal) => setOfSubnet([name, value], flags, signal));
    });
  netuid(addNetworkOptions(subnet.command('info')))
    .description('identity, owner, price, pool, emission, schedule and mechanisms of a subnet; 0 is root')
    .action(async (flags: Flags) => {
      const { subnetInfo } = await import('./commands/subnet/info.js');
      return run((signal) => subnetInfo(flags, signal));
    });
}

const signing = (command: Command): Command =>
  addSendingOptions(addWalletOptions(addNetworkOptions(command)));
const netuid = (command: Command): Command => command.option('--netuid <n>', 'subnet', integer);
