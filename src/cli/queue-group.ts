// Owns: names and flags of `assay validator queue`. Does not own: what they do (commands/validator-queue.ts).
import type { Command } from 'commander';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerQueue(validator: Command, run: Run): void {
  const load = () => import('./commands/validator-queue.js');
  const queue = validator
    .command('queue')
    .description('jobs that are kept for their outcome, and those that were set aside, with the reason')
    .option('--data <folder>', "the validator's data folder")
    .option('--json', 'one JSON document');
  queue.action(async (flags: Flags) => {
    const { listQueue } = await load();
    return run(() => listQueue(flags));
  });
  queue
    .command('retry')
    .argument('<outcome>', 'name of the outcome')
    .option('--queue-key <file>', "the queue's key (in the data folder)")
    .description(
      'verify the evidence of a job that was set aside, in this process, which it may end; the outcome on record stays',
    )
    .action(async (id: string, own: Flags, command: Command) => {
      const { retryJob } = await load();
      return run((signal) => retryJob(id, { ...command.parent!.opts(), ...own }, signal));
    });
  queue
    .command('forget')
    .argument('<outcome>', 'name of the outcome')
    .description('remove what was kept of a job that was set aside')
    .action(async (id: string, _own: Flags, command: Command) => {
      const { forgetJob } = await load();
      return run(() => forgetJob(id, command.parent!.opts()));
    });
}
