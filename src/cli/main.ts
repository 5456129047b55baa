#!/usr/bin/env node
// Owns: the command line: names, flags, help. Each command's work is in commands/, loaded when it is called.
import { Command } from 'commander';
import { VERSION } from '../model/version.js';
import { registerChain } from './chain-group.js';
import { registerCheckpoint } from './checkpoint-group.js';
import type { PlotFlags } from './commands/miner-plot.js';
import { registerEmissions } from './emissions-group.js';
import { registerLedger } from './ledger-group.js';
import { registerLocalnet } from './localnet-group.js';
import { registerModel } from './model-group.js';
import { decimal, integer } from './numbers.js';
import { EXIT } from './output.js';
import { addProofRoleOptions } from './role-options.js';
import { registerRollouts } from './rollouts-group.js';
import { run } from './run.js';
import { registerScoring } from './scoring-group.js';
import { registerSubnet } from './subnet-group.js';
import { addListOptions, registerVerification } from './verification-group.js';
import { registerWallet } from './wallet-group.js';

type Flags = Record<string, unknown>;

const program = new Command('assay')
  .description(
    'Prove what you have, be paid for what you proved: validators, miners and a whole subnet on one machine.',
  )
  .version(VERSION)
  .showHelpAfterError('(add --help for the flags of this command)')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.ok : EXIT.usage))
  .addHelpText(
    'after',
    `
First commands:
  assay demo                       a chain, two validators and eleven miners, eight of them cheats; a minute and a half
  assay localnet start             a chain of your own on ws://127.0.0.1:9944
  assay chain status               what answers there; --network finney, test or ws://... for others
  assay emissions scenarios        subnets to simulate, and what to find out with them
  assay miner doctor --small       the proofs on this host, in seconds; without --small what they would be credited
  assay miner start --help         serve slots of this host
  assay validator start --help     check miners and set weights

Of the start commands, flags win over environment (ASSAY_<FLAG>, e.g. ASSAY_NETUID), environment over the JSON file of
--config.
Exit codes: 0 done; 1 failed, or the answer is no; 2 wrong usage; 3 machine too busy to time proofs; 4 nothing to recompute: evidence
expired, or a verdict that rests on no evidence; 130 interrupted, 143 by SIGTERM.`,
  );

program
  .command('demo')
  .description(
    'run a whole subnet on this machine: real chain, sockets and processes, simulated devices, real liars',
  )
  .option(
    '--seed <text>',
    'fixes keys, challenges, behaviours, registration order and content verdicts',
    'assay',
  )
  .option('--json', 'one JSON document on standard output instead of progress and table')
  .option('--commit-reveal', 'weights are sealed to a round of a beacon, and count an epoch later')
  .option('--backend <name>', 'what the simulated devices compute on: cpu, cuda, webgpu', 'cpu')
  .option(
    '--rollouts',
    'windows of rollouts instead of proofs: two honest miners and four cheats, three windows, two minutes',
  )
  .option('--keep', 'leave everything running afterwards, until Ctrl-C')
  .option('--kill <who@epoch>', 'end a validator with SIGKILL during that paid epoch, e.g. validator-b@2')
  .option('--dir <folder>', 'where journals and logs go (a temporary folder without it, removed at the end)')
  .addHelpText(
    'after',
    `
Exits 0 when honest miners earned, liars did not and both validators' weights are on the chain; 1 when something of
that is not so; 3 when honest miners missed more than a quarter of their windows: this machine is too busy to time
proofs now, which says nothing about miners.`,
  )
  .action(async (flags: Flags) => {
    if (flags.rollouts === true) {
      const { rolloutsOptions, demoRollouts } = await import('./commands/demo-rollouts.js');
      const options = rolloutsOptions(flags);
      return run((signal) => demoRollouts(options, signal));
    }
    const { demo } = await import('./commands/demo.js');
    return run((signal) => demo(flags, signal));
  });

registerLocalnet(program, run);
registerChain(program, run);
registerSubnet(program, run);
registerCheckpoint(program, run);

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
  .option('--anchor-bytes-per-s <n>', 'what they give together, and take, during a round (12500000)', integer)
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

const miner = program.command('miner').description('serve slots and be paid for what they prove');
addProofRoleOptions(miner.command('start'))
  .description('serve slots of this host until Ctrl-C: its CPUs as one, unless --slots says otherwise')
  .option('--host <address>', 'address to bind (127.0.0.1, which no chain announces: see --announce-ip)')
  .option('--port <number>', 'port to bind, 0 picks one (8091)', integer)
  .option('--announce-ip <address>', 'address that the chain shall name (the bound one)')
  .option('--worker <tag>', 'tag of this host within the hotkey (host-1)')
  .option('--class <name>', 'class of the parameter table to claim (cpu-2048); see: assay params')
  .option(
    '--slots <slot...>',
    'kind:class or kind:class@device, e.g. compute:cpu-2048 host-memory:host-64 memory:h200@cuda:0 (one of compute)',
  )
  .option('--plots <folder...>', 'plots of the slots of storage (assay miner plot)')
  .option(
    '--link-port <number>',
    'port that peers pull from, for slots of bandwidth; 0 picks one (0)',
    integer,
  )
  .option('--threads <n>', 'threads of the compute backend (all)', integer)
  .option(
    '--rotate-server-key',
    'announce a new TLS key; the present one answers too until the next rotation',
  )
  .option('--listed <hotkey...>', 'hotkeys that may call without a validator permit')
  .action(async (flags: Flags) => {
    const { startMiner } = await import('./commands/miner.js');
    return run((signal) => startMiner(flags, signal));
  });
miner
  .command('devices')
  .description('what this host can compute on, what each is called in --slots, what is wrong with the rest')
  .option('--json', 'one JSON object')
  .action(async (flags: Flags) => {
    const { devices } = await import('./commands/miner-devices.js');
    return run(() => devices(flags));
  });
miner
  .command('history')
  .description(
    'the receipts that validators signed: verdict, reason, measured time and credit of every session',
  )
  .requiredOption('--data <folder>', "the miner's data folder")
  .option('--last <n>', 'only the newest n', integer, 50)
  .option('--json', 'one JSON object a line, signatures included')
  .action(async (flags: Flags) => {
    const { history } = await import('./commands/miner.js');
    return run(() => history(flags));
  });
miner
  .command('plot')
  .description('make the plot of a slot of storage, or make it larger; goes on where it was stopped')
  .requiredOption('--folder <folder>', 'holds this plot and nothing else')
  .requiredOption('--hotkey <address>', 'SS58 address of the hotkey that will serve it')
  .requiredOption('--sectors <n>', 'how many it is to have, 1 MiB each', integer)
  .option('--worker <tag>', 'tag of the host within the hotkey', 'host-1')
  .option('--slot <index>', 'index of the slot among those served', integer, 0)
  .option('--class <name>', 'class of storage', 'nvme')
  .option('--threads <n>', 'cores that encode (all)', integer)
  .option('--json', 'one JSON object when it is done')
  .action(async (flags: Flags) => {
    const { plot } = await import('./commands/miner-plot.js');
    return run((signal) => plot(flags as unknown as PlotFlags, signal)); // commander has seen to the required ones
  });
miner
  .command('doctor')
  .description('prove on this host what there is to prove, and say what it would be credited')
  .option('--proofs', 'the proofs: the only part so far, and run without being asked for')
  .option('--kind <name...>', 'only these kinds of proof')
  .option('--class <name>', 'class of the one kind named; see: assay params')
  .option('--small', 'the classes of simulated devices: seconds on any host, and no figures of it')
  .option('--plots <folder...>', 'plots to prove storage from (assay miner plot)')
  .option('--threads <n>', 'threads of CPU and host memory (all)', integer)
  .option('--device <id>', 'compute, memory and liveness on a card (assay miner devices)')
  .option('--data <folder>', "the miner's data folder: also tell what each validator saw of its link port")
  .option('--json', 'one JSON object a line')
  .addHelpText(
    'after',
    `
Each kind is proven by itself, honestly, and judged as a validator would, a tenth of each step kept for the way. Classes are those that this
host has the means for; a minute and a half, most of it host memory, with --small seconds. bandwidth is over loopback: not the rate of a line.
Cards are proven where --device names one. What the backend cannot do, and why no better one was used, stands below the table.
Exits 0 when nothing failed (what is not for this host is no failure), 1 when a proof was not accepted or late, 2 for wrong flags.

Examples:
  assay miner doctor
  assay miner doctor --kind host-memory --class host-8
  assay miner doctor --device cuda:0 --kind compute memory
  assay miner doctor --kind storage --plots /disk/plot --json`,
  )
  .action(async (flags: Flags) => {
    const { doctor } = await import('./commands/miner-doctor.js');
    return run((signal) => doctor(flags, signal));
  });

addListOptions(program.command('params'))
  .description('the same as `assay verification params list`')
  .action(async (flags: Flags) => {
    const { listParams } = await import('./commands/verification/params.js');
    return run(() => listParams(flags));
  });
registerVerification(program, run);
registerScoring(program, run);

registerEmissions(program, run);
registerModel(program, run);
registerRollouts(program, run);
registerWallet(program, run);

program
  .command('simulated', { hidden: true })
  .argument('<role>', 'device or miner')
  .argument('<json>', 'what to simulate')
  .action(async (role: string, json: string) => {
    const { simulated } = await import('./commands/simulated.js');
    return run((signal) => simulated(role, json, signal));
  });

// a reader that left (`| head`) wants no more; that is no fault
process.stdout.on('error', () => {});
await program.parseAsync();
