// Owns: flags of the start commands of roles: the keys of their configuration. Does not own: what they mean (config.ts).
import type { Command } from 'commander';
import type { ConfigRole } from './config.js';

const roles = new WeakMap<Command, ConfigRole>();

/**
 * The flags are there once the command is called or its help is asked for: the schemas take longer to load than all other
 * names of the command line together.
 */
export function addRoleOptions(command: Command, role: ConfigRole): Command {
  roles.set(command, role);
  command.parent?.hook('preSubcommand', async (_parent, called) => {
    if (called === command) await addRoleFlags(command);
  });
  command.option('--config <file>', 'file with the same keys (assay config init, check, explain)');
  if (role === 'miner-host' || role === 'validator-worker') return command; // which know no chain
  return command.option('--network <name or urls>', 'the same as --chain, as `assay chain` calls it');
}

/** For who looks at the whole tree: completion, and tests of it. */
export async function addAllRoleFlags(command: Command): Promise<void> {
  await addRoleFlags(command);
  for (const each of command.commands) await addAllRoleFlags(each);
}

async function addRoleFlags(command: Command): Promise<void> {
  const role = roles.get(command);
  if (role === undefined) return;
  roles.delete(command); // once: flags that are there twice are refused
  const [{ addKeyFlags }, { ROLES }] = await Promise.all([import('./config-keys.js'), import('./config.js')]);
  addKeyFlags(command, ROLES[role]);
}
