// Owns: the names and flags of `assay miner`. Does not own: what its commands do.
import type { Command } from 'commander';
import { addNetworkOptions } from './chain-options.js';
import type { PlotFlags } from './commands/miner-plot.js';
import { registerMaintenance } from './maintenance-group.js';
import { registerMinerHosts } from './miner-hosts-group.js';
import { addModuleOption } from './module-option.js';
import { integer } from './numbers.js';
import { addRoleOptions } from './role-options.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerMiner(program: Command, run: Run): void {
  const miner = program.command('miner').description('serve slots and be paid for what they prove');
  addRoleOptions(miner.command('start'), 'miner')
    .description('serve slots of this host until Ctrl-C: its CPUs as one, unless --slots says otherwise')
    .action(async (flags: Flags) => {
      const { startMiner } = await import('./commands/miner.js');
      return run((signal) => startMiner(flags, signal));
    });
  miner
    .command('status')
    .description(
      'what a running miner says of itself: its phase, slots, sessions; exits 1 while it does not serve',
    )
    .requiredOption('--data <folder>', "the miner's data folder")
    .option('--json', 'one JSON document')
    .action(async (flags: Flags) => {
      const { minerStatus } = await import('./commands/miner-status.js');
      return run(() => minerStatus(flags));
    });
  miner
    .command('callers')
    .description('who called, how often, and what they did that honest callers do not')
    .requiredOption('--data <folder>', "the miner's data folder")
    .option('--json', 'one JSON object a line')
    .action(async (flags: Flags) => {
      const { minerCallers } = await import('./commands/miner-status.js');
      return run(() => minerCallers(flags));
    });
  registerMinerHosts(miner, run);
  registerMaintenance(miner, run);
  miner
    .command('devices')
    .description('what this host can compute on, what each is called in --slots, what is wrong with the rest')
    .option('--json', 'one JSON document')
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
  registerDoctor(miner, run);
}

function registerDoctor(miner: Command, run: Run): void {
  const doctor = addModuleOption(
    addNetworkOptions(
      miner
        .command('doctor')
        .description(
          'look at this host and at its subnet, prove what there is to prove, say what it would earn',
        )
        .option('--host', 'only what this host has, and what is wrong with it')
        .option('--subnet', 'only what the chain says of the hotkey, the clock and the port')
        .option('--proofs', 'only the proofs; several of the three may be named')
        .option('--kind <name...>', 'only these kinds of proof')
        .option('--class <name>', 'class of the one kind named; see: assay verification params list')
        .option('--small', 'the classes of simulated devices: seconds on any host, and no figures of it')
        .option('--plots <folder...>', 'plots to prove storage from (assay miner plot)')
        .option('--threads <n>', 'threads of CPU and host memory (all)', integer)
        .option('--device <id>', 'compute, memory and liveness on a card (assay miner devices)')
        .option('--catalogue <file>', 'figures of cards that this build does not know')
        .option(
          '--data <folder>',
          "the miner's data folder: also what it says, and what validators saw of its link port",
        )
        .option('--netuid <n>', 'subnet to look at, and to count earnings in', integer)
        .option('--hotkey <name>', 'hotkey to look at: an address, a name in --wallet, or a file')
        .option('--wallet <name>', 'wallet that the hotkey is a name in')
        .option('--wallet-path <folder>', 'folder of wallets')
        .option(
          '--policy <file>',
          'count with this policy instead of the published one: a file or a name of this build',
        )
        .option('--cards <n>', 'count what was proven on the device so many times', integer)
        .option(
          '--others-worth <number...>',
          'worth that all others prove, as pool=number where there are several',
        )
        .option('--from <host:port>', 'ask a vantage (assay miner vantage) which ports it reaches')
        .option('--ports <n...>', 'ports that it is asked for (the axon’s)', integers),
      'one JSON object a line, each with its section', // what there is to say is known piece by piece
    ),
  );
  doctor
    .addHelpText(
      'after',
      `
Without --netuid nothing is asked of a chain. Each kind is proven by itself, honestly, and judged as a validator would, a tenth of each step
kept for the way. Classes are those that this host has the means for; a minute and a half, most of it host memory, with --small seconds.
bandwidth is over loopback: not the rate of a line. Cards are proven where --device names one.
Exits 0 when nothing failed (what is not for this host is no failure), 1 when a check failed or a proof was not accepted or late, 2 for
wrong flags.

Examples:
  assay miner doctor --host --json
  assay miner doctor --netuid 1 --network finney --wallet mine --hotkey miner
  assay miner doctor --device cuda:0 --kind compute memory
  assay miner doctor --host --from 203.0.113.7:8099 --ports 8091 8092`,
    )
    .action(async (flags: Flags) => {
      const { doctor } = await import('./commands/miner-doctor.js');
      return run((signal) => doctor(flags, signal));
    });
  miner
    .command('vantage')
    .description(
      'tell doctors of other hosts which of their ports take a connection from this one; until Ctrl-C',
    )
    .option(
      '--listen <address>',
      'address to bind; the one that is there without it is reached from this host alone',
      '127.0.0.1',
    )
    .option('--port <n>', 'port; 0 picks one', integer, 8099)
    .option('--json', 'one JSON object when it listens')
    .addHelpText(
      'after',
      `
It dials whoever asks, at the address that the question came from and no other, sends nothing, and takes of each three questions at once and then one every two
seconds. What comes through a proxy or a browser is refused. Hosts behind one address can ask for one another's ports:
run it while somebody needs it, where nothing trusts its address.`,
    )
    .action(async (flags: Flags) => {
      const { vantage } = await import('./commands/miner-vantage.js');
      return run((signal) => vantage(flags, signal));
    });
}

/** Each of a list; commander hands them over one by one. */
const integers = (text: string, before: readonly unknown[] = []): readonly unknown[] => [
  ...before,
  integer(text),
];
