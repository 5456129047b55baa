// Owns: `assay subnet info`.
import { z } from 'zod';
import { toNetuid } from '../../../model/ids.js';
import { loadFlags } from '../../config.js';
import { counted, type Fact, fixedText, printFacts } from '../../facts.js';
import { networkFlags, withChain } from '../../networks.js';
import { EXIT, printJson } from '../../output.js';
import { taoText } from '../../tao.js';
import { netuidFlag } from '../chain/flags.js';
import { freezeText } from '../chain/hyperparams.js';

export async function subnetInfo(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(z.strictObject({ ...networkFlags, netuid: netuidFlag }), flags);
  return withChain(options, signal, async (chain) => {
    const netuid = toNetuid(options.netuid);
    const { hash } = await chain.head();
    const [subnet, summaries, prices, freeze] = await Promise.all([
      chain.subnet(netuid, hash),
      chain.subnets(hash),
      chain.prices(netuid, hash),
      chain.freezeWindow(netuid, hash),
    ]);
    // as Neuron.emissionRao says: what the last epoch assigned
    const emissionRao = subnet.neurons.reduce((sum, neuron) => sum + neuron.emissionRao, 0n);
    const summary = summaries.find((candidate) => candidate.netuid === netuid);
    const { neurons, ...schedule } = subnet;
    if (options.json) {
      const count = neurons.length;
      const nextEpochBlock = netuid === 0 ? undefined : schedule.nextEpochBlock;
      printJson({
        ...summary,
        ...schedule,
        nextEpochBlock,
        ...prices,
        neurons: count,
        emissionRao,
        freezeWindow: freeze,
      });
      return EXIT.ok;
    }
    const isRoot = netuid === 0;
    const validators = neurons.filter(({ validatorPermit }) => validatorPermit).length;
    const facts: Fact[] = [
      ['subnet', `${netuid}${summary?.name ? ` ${summary.name}` : ''}${isRoot ? ' (root)' : ''}`],
      ...Object.entries(summary?.identity ?? {}).map(([name, value]): Fact => [`  ${name}`, clean(value)]),
      ['symbol', summary?.symbol || undefined],
      ['owner', isRoot ? undefined : subnet.ownerColdkey],
      ['owner hotkey', isRoot ? undefined : ownerText(subnet)],
      ['registered in block', summary?.registeredAt],
      ['neurons', `${neurons.length}, ${validators} with a validator permit`],
      ['registration costs', isRoot ? undefined : `${taoText(prices.registrationRao)} TAO`],
      [
        'price',
        isRoot || prices.alphaRao === undefined ? undefined : `${taoText(prices.alphaRao)} TAO for 1 alpha`,
      ],
      ['moving price', isRoot || !summary?.movingPrice ? undefined : `${fixedText(summary.movingPrice)} TAO`],
      ['pool', poolText(isRoot, summary)],
      ['emission of the last epoch', isRoot ? undefined : `${taoText(emissionRao)} alpha`],
      ['block', subnet.block],
      ['epoch', `${subnet.epochIndex}, began in block ${subnet.lastEpochBlock}`],
      // root has a tempo and no epochs: the chain skips it
      [
        'next epoch',
        isRoot || subnet.nextEpochBlock === undefined ? 'never' : `block ${subnet.nextEpochBlock}`,
      ],
      ['tempo', counted(subnet.tempo, 'block')],
      ['mechanisms', subnet.mechanismCount],
      ['weights', weightsText(subnet)],
      ['owner’s changes', isRoot ? undefined : freezeText(freeze, subnet.block + 1)],
    ];
    printFacts(facts);
    return EXIT.ok;
  });
}

type Found = Awaited<ReturnType<import('../../../chain/chain.js').ChainReader['subnet']>>;

const ownerText = ({ ownerHotkey, ownerUid }: Found): string =>
  `${ownerHotkey}${ownerUid === undefined ? ', not registered' : `, uid ${ownerUid}`}`;

function poolText(
  isRoot: boolean,
  pool: { readonly taoInRao: bigint; readonly alphaInRao: bigint; readonly alphaOutRao: bigint } | undefined,
): string | undefined {
  if (!pool) return undefined;
  const tao = `${taoText(pool.taoInRao)} TAO`;
  if (isRoot) return `${tao} staked`;
  return `${tao} and ${taoText(pool.alphaInRao)} alpha; ${taoText(pool.alphaOutRao)} alpha outside it`;
}

function weightsText(subnet: Found): string {
  const { commitRevealEnabled, timelockVersion, revealPeriodEpochs, weightsRateLimit, minAllowedWeights } =
    subnet;
  const how = !commitRevealEnabled
    ? 'set in the open'
    : `${timelockVersion === undefined ? 'committed as hashes' : 'sealed'}, revealed ${counted(revealPeriodEpochs, 'epoch')} later`;
  return `${how}; once in ${counted(weightsRateLimit, 'block')}, at least ${minAllowedWeights} ${minAllowedWeights === 1 ? 'entry' : 'entries'}, version key ${subnet.weightsVersionKey}`;
}

/** Written by strangers: nothing of it may steer a terminal. */
const clean = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '\uFFFD').slice(0, 400);
