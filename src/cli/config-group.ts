// Owns: names and flags of `assay config`. Does not own: what its commands do.
import { type Command, Option } from 'commander';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerConfig(program: Command, run: Run): void {
  const config = program
    .command('config')
    .description('files of configuration: check one, explain every key, write a first one');
  const withRole = (command: Command) =>
    command.addOption(
      new Option(
        '--role <name>',
        'validator, miner, localnet, ... (what the file says of itself, where there is one)',
      ),
    );
  withRole(config.command('check'))
    .description('is this file one that the role would start with; every problem at once')
    .argument('<file>', 'JSON, comments allowed')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExits 0 when it is, 1 when it is not. The environment counts as it does at the start.',
    )
    .action(async (file: string, flags: Flags) => {
      const { checkConfig } = await import('./commands/config.js');
      return run(async () => checkConfig(file, flags));
    });
  withRole(config.command('explain'))
    .description(
      'each key: type, default, environment variable, flag, what it does, whether it changes while running',
    )
    .argument('[key]', 'that one alone')
    .option('--config <file>', 'also the value that holds, and where it comes from; secrets as (set)')
    .option('--json', 'one JSON document')
    .action(async (key: string | undefined, flags: Flags) => {
      const { explainConfig } = await import('./commands/config.js');
      return run(async () => explainConfig(key, flags));
    });
  withRole(config.command('init'))
    .description(
      'write a file with every key, its description and its default, commented out where it need not be said',
    )
    .option('--out <file>', 'where to, with its schema for editors beside it (assay-<role>.json)')
    .option('--force', 'replace a file that is there')
    .option('--json', 'one JSON document')
    .action(async (flags: Flags) => {
      const { initConfig } = await import('./commands/config.js');
      return run(async () => initConfig(flags));
    });
}
