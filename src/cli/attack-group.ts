// Owns: names and flags of `assay verification attack` and `honest`. Their work is in commands/verification/, loaded when it is called.
import type { Command } from 'commander';
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
}
