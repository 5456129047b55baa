// Owns: flags of the start commands of roles: the keys of their configuration. Does not own: what they mean (config.ts).
import type { Command } from 'commander';
import type { ConfigRole } from './config.js';

/**
 * The flags are there once the command is called or its help is asked for: the schemas take longer to load than all other
 * names of the command line together.
 */
export function addRoleOptions(command: Command, role: ConfigRole): Command {
  command.parent?.hook('preSubcommand', async (_parent, called) => {
    if (called !== command) return;
    const [{ addKeyFlags }, { ROLES }] = await Promise.all([
      import('./config-keys.js'),
      import('./config.js'),
    ]);
    addKeyFlags(command, ROLES[role]);
  });
  command.option('--config <file>', 'file with the same keys (assay config init, check, explain)');
  if (role === 'miner-host' || role === 'validator-worker') return command; // which know no chain
  return command.option('--network <urls>', 'the same as --chain, as `assay chain` calls it');
}
