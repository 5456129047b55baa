// Owns: the names and flags of `assay validator start | outcomes`. Does not own: those of its ledger (ledger-group.ts), what they do.
import type { Command } from 'commander';
import { registerLedger } from './ledger-group.js';
import { decimal, integer } from './numbers.js';
import { addProofRoleOptions } from './role-options.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerValidator(program: Command, run: Run): void {
  const validator = program.command('validator').description('check miners, keep evidence, set weights');
  addProofRoleOptions(validator.command('start'))
    .description(
      'challenge every miner of a subnet in common events and set weights once per epoch, until Ctrl-C',
    )
    .option('--events-per-epoch <n>', 'subnet-wide events in each epoch of the chain (5)', integer)
    .option('--lead-blocks <n>', 'blocks from announcement to event (1)', integer)
    .option('--event-blocks <n>', 'blocks kept for one event (24)', integer)
    .option('--hold-first <n>', "first block after the event's that may be its Pass (6)", integer)
    .option('--hold-last <n>', 'last one (8)', integer)
    .option('--publish-lead-blocks <n>', 'blocks before the epoch at which weights are due (12)', integer)
    .option('--mechanism <n>', 'mechanism whose weights are set (0)', integer)
    .option(
      '--min-lead-ms <ms>',
      'an event that we came to later than this before its block does not count (1000)',
      integer,
    )
    .option('--opening-budget-bytes <n>', 'bytes of openings kept for replay (20 GiB)', integer)
    .option(
      '--keep-accepted <share>',
      'share of accepted openings to keep, drawn after the verdict (0.05)',
      decimal,
    )
    .option('--evidence-budget-bytes <n>', 'bytes of sessions kept for replay (20 GiB)', integer)
    .option('--keep-evidence-epochs <n>', 'epochs whose sessions are kept, within that budget (all)', integer)
    .option(
      '--keep-outcome-epochs <n>',
      'epochs whose outcomes are kept, and a scoring state of older ones: at least 20 (all)',
      integer,
    )
    .option(
      '--verifier-threads <n>',
      'threads that verify (one less than there are cores, at least 1)',
      integer,
    )
    .option('--host <address>', 'address to bind the ports below to (127.0.0.1)')
    .option(
      '--announce-ip <address>',
      'address at which peers reach --files-port and --anchor-port (the bound one)',
    )
    .option(
      '--files-port <number>',
      "port on which peers may have the owner's parameter files, announced on the chain; 0 picks one (none)",
      integer,
    )
    .option(
      '--anchor-port <number>',
      'offer ends of our own in rounds of bandwidth at this port, 0 picks one (none: they cost traffic)',
      integer,
    )
    .option('--anchors <n>', 'hosts that they stand for (2)', integer)
    .option(
      '--anchor-bytes-per-s <n>',
      'what they give together, and take, during a round (12500000)',
      integer,
    )
    .option(
      '--echo-port <number>',
      'port that miners call back to, so that we see where their connections come from; 0 picks one (not asked)',
      integer,
    )
    .option('--receipts <file>', 'usage receipts, one a line, read when an epoch is paid (none)')
    .option(
      '--random-seed <text>',
      'challenges that can be repeated: for development chains, refused on live ones',
    )
    .action(async (flags: Flags) => {
      const [{ startValidator }, { refusingCorrupt }] = await Promise.all([
        import('./commands/validator.js'),
        import('./ledgers.js'),
      ]);
      return run((signal) => refusingCorrupt(() => startValidator(flags, signal)));
    });
  validator
    .command('outcomes')
    .description('list what the journal holds: every verdict with its reason and its name')
    .requiredOption('--data <folder>', "the validator's data folder")
    .option('--miner <hotkey>', 'only this miner')
    .option('--last <n>', 'only the newest n', integer, 50)
    .option('--json', 'one JSON object a line')
    .action(async (flags: Flags) => {
      const { listOutcomes } = await import('./commands/validator.js');
      return run(() => listOutcomes(flags));
    });
  registerLedger(validator, run);
}
