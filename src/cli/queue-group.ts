// Owns: names and flags of `assay validator queue`. Does not own: what they do (commands/validator-queue.ts).
import { type Command, Option } from 'commander';
import { addModuleOption } from './module-option.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerQueue(validator: Command, run: Run): void {
  const queue = validator
    .command('queue')
    .description('jobs that are kept for their outcome, and those that were set aside, with the reason');
  // in front of the verb they were there before
  queue.addOption(new Option('--data <folder>').hideHelp()).addOption(new Option('--json').hideHelp());
  const whole = (own: Flags): Flags => ({ ...queue.opts(), ...own });

  shared(queue.command('list', { isDefault: true }))
    .description('how many are kept, and each that was set aside')
    .action(async (own: Flags) => {
      const { listQueue } = await import('./commands/validator-queue.js');
      return run(() => listQueue(whole(own)));
    });
  addModuleOption(shared(queue.command('retry')))
    .argument('<outcome>', 'name of the outcome')
    .option('--queue-key <file>', "the queue's key (in the data folder)")
    .description(
      'verify the evidence of a job that was set aside, in this process, which it may end; the outcome on record stays',
    )
    .action(async (id: string, own: Flags) => {
      const { retryJob } = await import('./commands/validator-queue.js');
      return run((signal) => retryJob(id, whole(own), signal));
    });
  shared(queue.command('forget'))
    .argument('<outcome>', 'name of the outcome')
    .description('remove what was kept of a job that was set aside')
    .action(async (id: string, own: Flags) => {
      const { forgetJob } = await import('./commands/validator-queue.js');
      return run(() => forgetJob(id, whole(own)));
    });
}

const shared = (command: Command): Command =>
  command.option('--data <folder>', "the validator's data folder").option('--json', 'one JSON document');
