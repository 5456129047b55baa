// Owns: the names and flags of what `assay miner` does with several hosts. Does not own: what the commands do.
import type { Command } from 'commander';
import { integer } from './numbers.js';
import { addRoleOptions } from './role-options.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

/** @param miner the command `assay miner` */
export function registerMinerHosts(miner: Command, run: Run): void {
  addRoleOptions(miner.command('host'), 'miner-host')
    .description(
      'serve slots of this host for a miner elsewhere, until Ctrl-C: no hotkey and no chain is needed here',
    )
    .action(async (flags: Flags) => {
      const { startHost } = await import('./commands/miner-hosts.js');
      return run((signal) => startHost(flags, signal));
    });
  miner
    .command('host-key')
    .description(
      'make the key of a host, or of a miner towards its hosts, unless it is there; print its public half',
    )
    .option('--key <file>', 'of this host: where `assay miner host` finds it')
    .option('--data <folder>', 'of the miner with this data folder: what its hosts are told by --miner-key')
    .option('--worker <tag>', 'tag to print for the hosts file')
    .option('--json', 'one JSON document')
    .action(async (flags: Flags) => {
      const { hostKey } = await import('./commands/miner-hosts.js');
      return run(() => hostKey(flags));
    });
  miner
    .command('hosts')
    .description(
      'the hosts behind a running miner: where they are, how far, their slots; exits 1 when one is away',
    )
    .requiredOption('--data <folder>', "the miner's data folder")
    .option('--json', 'one JSON document')
    .action(async (flags: Flags) => {
      const { hosts } = await import('./commands/miner-hosts.js');
      return run(() => hosts(flags));
    });
  miner
    .command('lease')
    .description(
      'say that somebody uses a slot: it is not asked for proofs, and one under way ends within seconds',
    )
    .argument('<slot>', 'its index (assay miner status)', integer)
    .requiredOption('--data <folder>', "the miner's data folder")
    .option('--until <time>', 'when it ends, e.g. 2030-01-31T12:00:00Z (when it is released)')
    .option('--json', 'one JSON document')
    .action(async (slot: unknown, flags: Flags) => {
      const { lease } = await import('./commands/miner-hosts.js');
      return run(() => lease(slot, flags));
    });
  miner
    .command('release')
    .description('say that nobody uses a slot any more')
    .argument('<slot>', 'its index (assay miner status)', integer)
    .requiredOption('--data <folder>', "the miner's data folder")
    .option('--json', 'one JSON document')
    .action(async (slot: number, flags: Flags) => {
      const { release } = await import('./commands/miner-hosts.js');
      return run(() => release(slot, flags));
    });
}
