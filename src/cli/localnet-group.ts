// Owns: names and flags of `assay localnet`. Each command's work is in commands/localnet*.ts, loaded when it is called.
import { type Command, Option } from 'commander';
import { integer } from './numbers.js';
import type { Run } from './run.js';

type Flags = Record<string, unknown>;

export function registerLocalnet(program: Command, run: Run): void {
  const localnet = program
    .command('localnet')
    .description('the embedded Substrate chain: run it, steer it, save it, make it misbehave');
  registerStart(localnet, run);
  registerRestore(localnet, run);
  registerAdvance(localnet, run);
  registerFaucet(localnet, run);
  registerSnapshot(localnet, run);
  registerFaults(localnet, run);
}

function registerStart(localnet: Command, run: Run): void {
  startOptions(localnet.command('start'))
    .description('serve a localnet over WebSocket until Ctrl-C; any Substrate client can connect')
    .option(
      '--fund <account=tao...>',
      'accounts with a balance in TAO at genesis, beside Alice, Bob, Charlie, Dave, Eve and Ferdie',
    )
    .option(
      '--runtime <spec>',
      'the runtime of this raw chain spec instead, run by Chopsticks: npm i --ignore-scripts @acala-network/chopsticks@1.1.0',
    )
    .addHelpText(
      'after',
      `
Examples:
  assay localnet start                          in memory: gone when it ends
  assay localnet start --base-path ./chain      every finalized block is kept; the same command goes on
  assay localnet start --manual --tempo 20      blocks when asked: assay localnet advance 20

With --base-path what is finalized survives a kill of the process; a power failure may take the last second.`,
    )
    .action(async (flags: Flags) => {
      const { startLocalnet } = await import('./commands/localnet.js');
      return run((signal) => startLocalnet(flags, signal));
    });
}

function registerRestore(localnet: Command, run: Run): void {
  startOptions(localnet.command('restore'))
    .description('start a localnet from what `localnet snapshot` saved, or from a subnet of a real chain')
    .argument('<file>', 'file of `assay localnet snapshot` or of `assay chain snapshot`')
    .option('--owner <account>', "of a subnet: who takes the owner's place, //URI or coldkey:hotkey")
    .option('--neuron <uid=account...>', 'of a subnet: who takes the places of neurons, such as 3=//Bob')
    .addHelpText(
      'after',
      `
Example:
  assay chain snapshot subnet4.json --netuid 4 --network finney
  assay localnet restore subnet4.json --owner //Alice --neuron 12=//Bob

A //URI stands for a coldkey; its hotkey is //URI//hotkey.`,
    )
    .action(async (file: string, flags: Flags) => {
      const { restoreLocalnet } = await import('./commands/localnet.js');
      return run((signal) => restoreLocalnet(file, flags, signal));
    });
}

function registerAdvance(localnet: Command, run: Run): void {
  nodeOptions(localnet.command('advance'))
    .description('make so many blocks (a localnet started with --manual), or wait for them')
    .argument('<blocks>', 'how many', integer)
    .action(async (blocks: unknown, flags: Flags) => {
      const { advance } = await import('./commands/localnet-remote.js');
      return run((signal) => advance(blocks, flags, signal));
    });
}

function registerFaucet(localnet: Command, run: Run): void {
  nodeOptions(localnet.command('faucet'))
    .description('give TAO to an account, by root')
    .argument('<account>', 'address or development URI')
    .argument('<tao>', 'how much is added')
    .action(async (account: string, tao: string, flags: Flags) => {
      const { faucet } = await import('./commands/localnet-remote.js');
      return run((signal) => faucet(account, tao, flags, signal));
    });
}

function registerSnapshot(localnet: Command, run: Run): void {
  nodeOptions(localnet.command('snapshot'))
    .description('save the whole state of a running localnet, as of its finalized block, to one file')
    .argument('<file>', 'where to; see: assay localnet restore')
    .action(async (file: string, flags: Flags) => {
      const { snapshot } = await import('./commands/localnet-remote.js');
      return run((signal) => snapshot(file, flags, signal));
    });
}

function registerFaults(localnet: Command, run: Run): void {
  const faults = localnet
    .command('fault')
    .description('make a running localnet misbehave (one started with --faults or --manual)');
  const ask =
    (method: string, paramsOf: (values: readonly unknown[], flags: Flags) => readonly unknown[]) =>
    async (...given: unknown[]): Promise<void> => {
      const flags = given.at(-2) as Flags; // commander gives arguments, options, the command
      const { chain, network, json, ...own } = flags;
      const { fault } = await import('./commands/localnet-remote.js');
      return run((signal) =>
        fault(method, paramsOf(given.slice(0, -2), own), { chain, network, json }, signal),
      );
    };
  const plain = (name: string, method: string, description: string): void => {
    nodeOptions(faults.command(name))
      .description(description)
      .action(ask(method, () => []));
  };
  const counted = (name: string, method: string, what: string, description: string): void => {
    nodeOptions(faults.command(name))
      .description(description)
      .argument('<blocks>', what, integer)
      .action(ask(method, (values) => values));
  };
  plain('show', 'dev_faults', 'what it is asked for now');
  plain('stall', 'dev_stall', 'make no more blocks');
  plain('resume', 'dev_resume', 'make blocks again');
  nodeOptions(faults.command('drop-connections'))
    .description('end all connections')
    .option('--for-ms <ms>', 'refuse new ones for so long (0)', integer)
    .action(ask('dev_dropConnections', (_values, { forMs }) => (forMs === undefined ? [] : [forMs])));
  counted(
    'delay-inclusion',
    'dev_delayInclusion',
    'how many; 0 ends it',
    'let extrinsics wait for so many blocks',
  );
  nodeOptions(faults.command('reject'))
    .description('refuse extrinsics by the name of their call')
    .argument('<pattern>', 'such as SubtensorModule.set_weights or *.commit_*')
    .option('--code <code>', "the pool's: 1010, 1011, 1012, 1014 or 1016 (1010)", integer)
    .option('--custom <number>', 'with 1010: the number of `Custom error`', integer)
    .action(
      ask('dev_reject', ([pattern], { code = 1010, custom }) => [
        pattern,
        code,
        ...(custom === undefined ? [] : [custom]),
      ]),
    );
  counted(
    'reorg',
    'dev_reorg',
    'how many, at most those after the finalized one',
    'replace the last blocks by another branch',
  );
  plain(
    'upgrade-metadata',
    'dev_upgradeRuntime',
    'install a runtime with another spec version, call position and storage',
  );
  counted('lag', 'dev_lag', 'how many; 0 ends it', 'serve a head so many blocks behind');
  nodeOptions(faults.command('nonsense'))
    .description('answer nonsense to a method')
    .argument('<method>', 'such as chain_getHeader')
    .addOption(
      new Option('--kind <kind>', 'what kind').choices([
        'wrong-type',
        'null',
        'truncated',
        'error',
        'silence',
      ]),
    )
    .action(ask('dev_nonsense', ([method], { kind }) => (kind === undefined ? [method] : [method, kind])));
  plain('clear', 'dev_clear', 'end all of these; upgrades and reorganisations stay');
}

const startOptions = (command: Command): Command =>
  command
    .option('--config <file>', 'JSON file with the same keys')
    .option('--host <address>', 'address to bind (127.0.0.1)')
    .option('--allow-remote', 'let a --host beyond loopback be: whoever reaches it can connect')
    .option('--port <n>', 'port to bind, 0 picks one (9944)', integer)
    .option('--base-path <folder>', 'keep every finalized block there, and go on with what is there')
    .option('--block-time-ms <ms>', 'time between blocks (250)', integer)
    .option('--tempo <blocks>', 'blocks per epoch of new subnets (360)', integer)
    .option('--finality-lag-blocks <n>', 'blocks between best and finalized head (2)', integer)
    .option('--manual', 'make blocks only when asked: assay localnet advance')
    .option('--faults', 'serve the faucet and the faults, on loopback only (with --manual always)')
    .option('--sudo <address or uri>', 'root key (//Alice)')
    .option('--json', 'one JSON document when it listens, JSON lines as log')
    .option('--log-level <level>', 'debug, info, warn, error (info); debug names every block');

const nodeOptions = (command: Command): Command =>
  command
    .option('--network <url>', 'the localnet (ws://127.0.0.1:9944)')
    .addOption(new Option('--chain <url>', 'the same, as roles call it').hideHelp())
    .option('--json', 'one JSON document');
