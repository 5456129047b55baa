// Owns: flags that every long-lived role takes. Does not own: what they mean (config.ts).
import { type Command, Option } from 'commander';
import { integer } from './numbers.js';

export const addRoleOptions = (command: Command): Command =>
  command
    .option('--config <file>', 'JSON file with the same keys')
    .option(
      '--chain <urls>',
      'nodes of the chain, or finney, test, archive; commas between several (ws://127.0.0.1:9944)',
    )
    .option('--network <urls>', 'the same, as `assay chain` calls it')
    .option('--webhook <url>', 'POST a JSON object there when the chain is away, or weights are late or lost')
    .option('--netuid <n>', 'subnet (1)', integer)
    .option(
      '--hotkey <file or uri>',
      'hotkey file of a Bittensor wallet, or a development URI such as //Alice, for localnets',
    )
    .option('--wallet <name>', 'wallet in which --hotkey is a name, `default` without it')
    .option('--wallet-path <folder>', 'folder of wallets (BT_WALLET_PATH, or ~/.bittensor/wallets)')
    .option('--admin-port <n>', 'gRPC health on loopback: 0 picks a port, -1 turns it off (0)', integer)
    .option(
      '--metrics-port <n>',
      'Prometheus metrics on loopback: 0 picks a port, -1 turns it off (-1)',
      integer,
    )
    .addOption(new Option('--log-level <level>', 'debug, info, warn, error (info)'));

/** Of those whose slots follow parameters that the subnet's owner publishes. */
export const addProofRoleOptions = (command: Command): Command =>
  addRoleOptions(command)
    .option('--data <folder>', 'folder for journal and receipts')
    .option('--params <file...>', 'parameter files of the subnet; see: assay verification params')
    .option('--policy <file...>', "the subnet's scoring policy, for peers who ask; see: assay scoring");
