// Owns: flags that commands of a chain share. Does not own: what they do (networks.ts, sending.ts, which load more).
import type { Command } from 'commander';

/** @param json what --json prints */
export const addNetworkOptions = (command: Command, json = 'one JSON document'): Command =>
  command
    .option(
      '--network <name or urls>',
      'finney, test, archive, local, or ws:// addresses; several: repeated or with commas (local)',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option('--genesis <hash>', 'the chain must have this block 0; named networks pin their own')
    .option('--json', json);

/** Of every command that signs. */
export const addSendingOptions = (command: Command): Command =>
  command
    .option('--dry-run', 'show the call, its fee and what speaks against it; sign and send nothing')
    .option('--yes', 'do not ask; needed with --json and where there is no terminal, except on localnets');
