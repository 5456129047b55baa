// Owns: names and flags of `assay verification attack`, `honest`, `transcript` and `check`. Their work is in commands/verification/,
// loaded when it is called.
import type { Command } from 'commander';
import { addModuleOption } from './module-option.js';
import { decimal, integer } from './numbers.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerAttacks(verification: Command, run: Run): void {
  verification
    .command('attack')
    .description('run simulated cheats against the proofs, and hold what is accepted against the formulas')
    .option('--list', 'name the attacks instead of running any')
    .option('--all', 'every attack of every kind')
    .option('--kind <name>', 'those of one proof kind')
    .option('--attack <name>', 'one of them')
    .option('--strength <number>', 'in place of those of the table', decimal)
    .option('--runs <n>', 'of each attack at each strength (400); of some that are slow, fewer', integer)
    .option('--confidence <share>', 'of the intervals (0.999)', decimal)
    .option('--seed <text>', 'every run is drawn from it by name (assay)')
    .option('--table <file>', 'write the page of docs there')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Exits 1 when a rate of false accepts lies above its bound with that confidence, when a credit exceeds its bound, or when an attack
succeeds nowhere, with the rule that stops it or without: such an attack says nothing.

Examples:
  assay verification attack --kind compute --attack fabricated-rows --runs 2000
  assay verification attack --all --table docs/proofs/attacks.md`,
    )
    .action(async (flags: Flags) => {
      const { attack } = await import('./commands/verification/attack.js');
      return run((signal) => attack(flags, signal));
    });
  verification
    .command('honest')
    .description(
      'run honest sessions under bad lines and busy validators, and count those that are not accepted',
    )
    .option('--kind <name>', 'only of this proof kind')
    .option('--runs <n>', 'sessions of each kind (10000)', integer)
    .option('--seed <text>', 'every session is drawn from it by name (assay)')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExits 1 when one of them was not accepted.')
    .action(async (flags: Flags) => {
      const { honest } = await import('./commands/verification/attack-honest.js');
      return run((signal) => honest(flags, signal));
    });
  verification
    .command('transcript')
    .description('write down all that is said in one session, for whoever compares a verifier of his own')
    .option('--kind <name>', 'proof kind')
    .option('--attack <name>', 'a cheat of it in place of an honest miner; the beginning of its name does')
    .option('--list', 'name the cheats instead, of --kind or of all kinds')
    .option('--seed <text>', 'the same session for the same text (assay)')
    .option('--out <file>', 'write it there; standard output without it')
    .option('--json', 'with --list one JSON object a line, with --out one about the file')
    .addHelpText(
      'after',
      `
One line of JSON (docs/proofs/transcripts.md), of the kind's class for tests: 20 kB to 2 MB. It names our own verdict.

Example:
  assay verification transcript --kind storage --attack replays --out s.json
  assay verification check s.json
  scripts/reference-verifier.py s.json`,
    )
    .action(async (flags: Flags) => {
      const { transcript } = await import('./commands/verification/attack-transcript.js');
      return run(() => transcript(flags));
    });
  addModuleOption(verification.command('check'))
    .description('judge transcripts: one verdict a line')
    .argument('<file...>', 'transcripts, one a line; - for standard input')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nExits 0 where each has the verdict that it names, if it names one, 1 where one differs, 2 for what is no transcript.',
    )
    .action(async (files: string[], flags: Flags) => {
      const { checkTranscripts } = await import('./commands/verification/check-transcript.js');
      return run((signal) => checkTranscripts(files, flags, signal));
    });
}
