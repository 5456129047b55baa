// Owns: names and flags of `assay verification`. Each command's work is in commands/verification/, loaded when it is called.
import type { Command } from 'commander';
import { registerAttacks } from './attack-group.js';
import { addNetworkOptions, addSendingOptions } from './chain-options.js';
import { addModuleOption } from './module-option.js';
import { integer } from './numbers.js';
import type { Run } from './run.js';
import { addWalletOptions } from './wallets.js';

type Flags = Record<string, unknown>;

export function registerVerification(program: Command, run: Run): void {
  const verification = program
    .command('verification')
    .description('proofs: their parameters, and what this host makes of them');
  registerParams(verification, run);
  registerAttacks(verification, run);
  addWalletOptions(verification.command('calibrate'))
    .description('measure what a class costs on this host, and say which parameter that would change')
    .option('--kind <name>', 'compute, memory, host-memory, storage, bandwidth or liveness (compute)')
    .option(
      '--class <name>',
      'class of that kind (cpu-2048, host-8, nvme, link-1g, live; memory has cards only)',
    )
    .option('--n <side>', 'compute: labels of this side, in place of a class', integer)
    .option('--runs <n>', 'so often, for a median and a spread (5; 3 of host-memory)', integer)
    .option('--threads <n>', 'threads that work at once (all)', integer)
    .option(
      '--memory-gib <n>',
      'memory that labels may take (half of what is free; of host-memory 80 %)',
      integer,
    )
    .option('--plots <folder...>', 'storage: read a plot that is there, whosever it is')
    .option(
      '--folder <folder>',
      'storage: make a temporary plot on the disk of this folder (where temporary files go)',
    )
    .option('--device <id>', 'compute, memory, liveness: a card in place of the CPUs (assay miner devices)')
    .option('--gib <n>', 'storage: how large that plot is (1)', integer)
    .option('--out <file>', 'write it there, signed by --hotkey')
    .option('--check <file>', 'measure nothing: verify the signature of such a file')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
Without --device this host's CPUs are measured, whatever the class, and the file says so; with it, the class is the one that the card's name
suggests, unless --class or --n says otherwise, and each kernel is compared with the card's data sheet. Files are read from memory where
they lie there: only a plot larger than memory shows a disk, and the figures say how much came from it. bandwidth is measured over loopback:
what this host can make, digest, send and take, not what its line carries. A run of host-memory takes a minute, the others seconds.
Ctrl-C leaves nothing behind: temporary plots are removed. --check exits 0 where the signature holds, 1 where it does not, 2 for what is no
such file.

Examples:
  assay verification calibrate --class cpu-2048 --out cpu.json --wallet mine --hotkey default
  assay verification calibrate --device cuda:0 --kind memory
  assay verification calibrate --kind storage --plots /disk/plot`,
    )
    .action(async (flags: Flags) => {
      const { calibrate } = await import('./commands/verification/calibrate.js');
      return run((signal) => calibrate(flags, signal));
    });
}

/** What `assay params` has always been. */
export const addListOptions = (command: Command): Command =>
  addModuleOption(command)
    .option('--kind <name>', 'only of this proof kind')
    .option('--file <file>', 'the sets of a parameter file, in place of those of this build')
    .option('--json', 'one JSON object a line');

function registerParams(verification: Command, run: Run): void {
  const params = verification.command('params').description('parameter sets, and files of them');
  addListOptions(params.command('list'))
    .description('every set of every kind, with its content address')
    .action(async (flags: Flags) => {
      const { listParams } = await import('./commands/verification/params.js');
      return run(() => listParams(flags));
    });
  addModuleOption(params.command('show'))
    .description('one set: every number, and what counts one')
    .argument('<set>', 'a class, kind/class, or 8 digits or more of a params id')
    .option('--file <file>', 'of a parameter file, in place of this build')
    .option('--json', 'one JSON object a line')
    .action(async (set: string, flags: Flags) => {
      const { showParams } = await import('./commands/verification/params.js');
      return run(() => showParams(set, flags));
    });
  addModuleOption(params.command('check'))
    .description('read a parameter file strictly; say its digest and how it differs from this build')
    .argument('<file>', '- for standard input')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExits 0 for a parameter file, 2 for what is none, naming the key that is wrong.')
    .action(async (file: string, flags: Flags) => {
      const { checkParams } = await import('./commands/verification/params.js');
      return run(() => checkParams(file, flags));
    });
  addModuleOption(params.command('export'))
    .description('the sets of this build as a parameter file, to be changed and published')
    .option('--out <file>', 'where to; standard output without it')
    .option('--class <name...>', 'only these classes, or kind/class')
    .option('--policy <policy>', "the owner's scoring policy, a file or a name, whose digest the file names")
    .option('--json', 'with --out one JSON document about it, else the file in its one spelling')
    .action(async (flags: Flags) => {
      const { exportParams } = await import('./commands/verification/params.js');
      return run(() => exportParams(flags));
    });
  addModuleOption(netuid(addSendingOptions(addWalletOptions(addNetworkOptions(params.command('publish'))))))
    .description('as owner of a subnet: commit to a parameter file, and raise the weights version key by one')
    .argument('<file>', '`built-in` to return to the table that each build brings')
    .option(
      '--first-epoch <n>',
      'epoch from which it counts; in that one the old counts too (two ahead)',
      integer,
    )
    .option('--replace', 'also in place of one that waits for its first epoch')
    .option(
      '--policy <policy>',
      'scoring policy that counts with it, a file or compute, rollouts, mixed; --out for the parameter file that names it',
    )
    .option(
      '--out <file>',
      'with --policy: where the parameter file goes that is published, and handed to peers',
    )
    .option('--no-version-key', 'leave the weights version key as it is')
    .option(
      '--as-successor',
      "by the hotkey that is about to become the owner's: say what the present one said, and nothing else",
    )
    .addHelpText(
      'after',
      `
Two calls: the owner hotkey's commitment, then the coldkey's version key. Run again it does what is left of them. Validators
and miners fetch the file by its digest from one another, and one of them must be given it. A validator that cannot get it sets
no weights once the old one counts no longer, and says so.

Examples:
  assay verification params export --out params.json
  assay verification params publish params.json --netuid 1 --wallet mine
  assay verification params publish built-in --policy policy.json --out params.json --netuid 1 --wallet mine`,
    )
    .action(async (file: string, flags: Flags) => {
      const { publishParams } = await import('./commands/verification/params-publish.js');
      return run((signal) => publishParams(file, flags, signal));
    });
  netuid(addNetworkOptions(params.command('published')))
    .description("what a subnet's owner published, and what counts now")
    .action(async (flags: Flags) => {
      const { publishedParams } = await import('./commands/verification/params-publish.js');
      return run((signal) => publishedParams(flags, signal));
    });
}

const netuid = (command: Command): Command => command.option('--netuid <n>', 'subnet', integer);
