// Owns: names and flags of `assay chain`. Each command's work is in commands/chain/, loaded when it is called.
import { type Command, Option } from 'commander';
import { addNetworkOptions, addSendingOptions } from './chain-options.js';
import { integer } from './numbers.js';
import type { Run } from './run.js';
import { addWalletOptions } from './wallets.js';

type Flags = Record<string, unknown>;

export function registerChain(program: Command, run: Run): void {
  const chain = program
    .command('chain')
    .description('a Subtensor chain: look at it, register, stake, announce, set weights')
    .addHelpText(
      'after',
      `
Examples:
  assay chain status --network finney
  assay chain metagraph --netuid 4 --network finney --sort stake
  assay chain stake 10 --netuid 1 --wallet //Alice --dry-run
  assay chain weights set --netuid 1 --weights 3:1,7:0.5 --wallet mine --hotkey default --preview

Without --network it is the localnet on ws://127.0.0.1:9944 (assay localnet start).
Amounts are decimal TAO or alpha with at most nine decimals. Before anything is signed on a chain that is no localnet,
you are asked; --yes answers, --dry-run only shows.`,
    );
  registerReads(chain, run);
  registerCalls(chain, run);
  registerWeights(chain, run);
}

function registerReads(chain: Command, run: Run): void {
  addNetworkOptions(chain.command('status'))
    .description('endpoint, chain, runtime, head, finality, age, issuance, and what the runtime has')
    .action(async (flags: Flags) => {
      const { chainStatus } = await import('./commands/chain/status.js');
      return run((signal) => chainStatus(flags, signal));
    });
  placeOptions(addNetworkOptions(chain.command('metagraph')))
    .description('neurons of a subnet')
    .addOption(
      new Option('--sort <column>', 'by which column (uid)').choices([
        'uid',
        'hotkey',
        'coldkey',
        'stake',
        'permit',
        'incentive',
        'dividends',
        'emission',
        'updated',
      ]),
    )
    .option('--full', 'whole addresses')
    .action(async (flags: Flags) => {
      const { chainMetagraph } = await import('./commands/chain/metagraph.js');
      return run((signal) => chainMetagraph(flags, signal));
    });
  netuidOption(addNetworkOptions(chain.command('hyperparams')))
    .description('hyperparameters of a subnet: value, who sets it, when it may be set next')
    .action(async (flags: Flags) => {
      const { chainHyperparams } = await import('./commands/chain/hyperparams.js');
      return run((signal) => chainHyperparams(flags, signal));
    });
  netuidOption(addNetworkOptions(chain.command('watch'), 'one JSON object a line'))
    .description('heads and reorganisations as they come; epochs and events of a subnet, from final blocks')
    .option('--from <block>', 'first final block (the newest)', integer)
    .option('--blocks <n>', 'end after so many final blocks (never)', integer)
    .addHelpText('after', '\nNo final block is left out, also after an outage.')
    .action(async (flags: Flags) => {
      const { chainWatch } = await import('./commands/chain/watch.js');
      return run((signal) => chainWatch(flags, signal));
    });
  netuidOption(addNetworkOptions(chain.command('snapshot')))
    .description('one subnet as of its last final block, into a file')
    .argument('<file>', 'where to; see: assay localnet restore')
    .option('--force', 'replace the file if it is there')
    .action(async (file: string, flags: Flags) => {
      const { chainSnapshot } = await import('./commands/chain/snapshot.js');
      return run((signal) => chainSnapshot(file, flags, signal));
    });
}

function registerCalls(chain: Command, run: Run): void {
  netuidOption(signingOptions(chain.command('register')))
    .description('register a hotkey in a subnet, paid by the coldkey')
    .option('--price-limit <tao>', 'fail where it costs more than this in the block that carries it')
    .addOption(new Option('--limit-price <tao>', 'the same').hideHelp())
    .action(async (flags: Flags) => {
      const { chainRegister } = await import('./commands/chain/register.js');
      return run((signal) => chainRegister(flags, signal));
    });
  tradeOptions(netuidOption(signingOptions(chain.command('stake'))))
    .description('buy alpha of a subnet and stake it to a hotkey')
    .argument('[amount]', 'TAO to pay')
    .option('--all', 'the whole balance, but for the fee and what must stay')
    .action(async (amount: string | undefined, flags: Flags) => {
      const { chainStake } = await import('./commands/chain/stake.js');
      return run((signal) => chainStake(amount, flags, signal));
    });
  tradeOptions(netuidOption(signingOptions(chain.command('unstake'))))
    .description('take stake back from a hotkey and sell its alpha')
    .argument('[amount]', 'alpha to sell (on root: TAO)')
    .option('--all', 'all of it; without --netuid in all subnets')
    .action(async (amount: string | undefined, flags: Flags) => {
      const { chainUnstake } = await import('./commands/chain/stake.js');
      return run((signal) => chainUnstake(amount, flags, signal));
    });
  netuidOption(signingOptions(chain.command('serve')))
    .description('announce where a hotkey answers')
    .option('--ip <address>', 'IPv4 or IPv6; 0.0.0.0 takes an axon back')
    .option('--port <n>', 'port', integer)
    .option('--tls-key <file>', 'announce the newest key of a server-keys.json with it')
    .option('--no-tls', 'announce no key')
    .option('--prometheus', 'announce metrics instead of an axon')
    .action(async (flags: Flags) => {
      const { chainServe } = await import('./commands/chain/serve.js');
      return run((signal) => chainServe(flags, signal));
    });
}

function registerWeights(chain: Command, run: Run): void {
  const weights = chain
    .command('weights')
    .description('weights of a validator: set them, commit and reveal, what became of them');
  rowOptions(placeOptions(signingOptions(weights.command('set'))))
    .description('set weights in the form that the subnet takes now: in the open, as a hash, or sealed')
    .option('--preview', 'as --dry-run: row, checks, form, reveal round, when it counts')
    .action(async ({ preview, ...flags }: Flags) => {
      const { setChainWeights } = await import('./commands/chain/weights-set.js');
      const wanted = preview === true ? { ...flags, dryRun: true } : flags;
      return run((signal) => setChainWeights(wanted, signal));
    });
  placeOptions(addNetworkOptions(weights.command('show')))
    .description('rows and pending commits on the chain, and the book of a validator of this machine')
    .option('--uid <n>', 'only this neuron', integer)
    .option(
      '--data <folder>',
      "a validator's data folder: the stage of each epoch's weights, failures included",
    )
    .addHelpText('after', '\nWith --data and no --netuid no chain is asked.')
    .action(async (flags: Flags) => {
      const { showChainWeights } = await import('./commands/chain/weights-show.js');
      return run((signal) => showChainWeights(flags, signal));
    });
  // before there was `chain weights`, both stood beside it
  const places = [weights.command('commit'), chain.command('commit', { hidden: true })];
  for (const commit of places)
    rowOptions(placeOptions(signingOptions(commit)))
      .description('commit to weights by their hash; --salt-file keeps what reveals them')
      .action(async (flags: Flags) => {
        const { commitChainWeights } = await import('./commands/chain/weights-set.js');
        return run((signal) => commitChainWeights(flags, signal));
      });
  for (const reveal of [weights.command('reveal'), chain.command('reveal', { hidden: true })])
    signingOptions(reveal)
      .description('reveal weights that were committed by their hash')
      .argument('<file>', 'what --salt-file named')
      .action(async (file: string, flags: Flags) => {
        const { revealChainWeights } = await import('./commands/chain/weights-reveal.js');
        return run((signal) => revealChainWeights(file, flags, signal));
      });
}

const netuidOption = (command: Command): Command => command.option('--netuid <n>', 'subnet', integer);

const placeOptions = (command: Command): Command =>
  netuidOption(command).option('--mechanism <n>', 'which of its weight matrices (0)', integer);

const signingOptions = (command: Command): Command =>
  addSendingOptions(addWalletOptions(addNetworkOptions(command)));

const tradeOptions = (command: Command): Command =>
  command
    .option(
      '--tolerance <percent>',
      'how far the price may move against you: percent, or off for any price (5)',
    )
    .option('--limit-price <tao>', 'TAO for 1 alpha beyond which nothing is served, in place of a tolerance')
    .option('--allow-partial', 'serve what the limit allows, instead of nothing');

const rowOptions = (command: Command): Command =>
  command
    .option('--weights <scores>', 'uid:score or hotkey:score with commas; the scale does not matter')
    .option('--file <file>', 'the same as a JSON object, - for standard input')
    .option('--version-key <n>', 'version key (the subnet’s)')
    .option('--salt-file <file>', 'where a hash’s row and salt are kept until they are revealed');
