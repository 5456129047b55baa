// Owns: `assay chain metagraph`.
import { z } from 'zod';
import type { Neuron } from '../../../chain/chain.js';
import { toNetuid } from '../../../model/ids.js';
import { loadFlags } from '../../config.js';
import { shareText, shortAddress } from '../../facts.js';
import { networkFlags, withChain } from '../../networks.js';
import { EXIT, print, printJson } from '../../output.js';
import { Table } from '../../table.js';
import { taoText } from '../../tao.js';
import { mechanismFlag, netuidFlag } from './flags.js';

/** What `--sort` takes: the largest first, but for uids and addresses. */
const ORDER = {
  uid: (a: Neuron, b: Neuron) => a.uid - b.uid,
  hotkey: (a: Neuron, b: Neuron) => (a.hotkey < b.hotkey ? -1 : 1),
  coldkey: (a: Neuron, b: Neuron) => (a.coldkey < b.coldkey ? -1 : a.coldkey > b.coldkey ? 1 : 0),
  stake: (a: Neuron, b: Neuron) => descending(stakeOf(a), stakeOf(b)),
  permit: (a: Neuron, b: Neuron) => Number(b.validatorPermit) - Number(a.validatorPermit),
  incentive: (a: Neuron, b: Neuron) => b.incentive - a.incentive,
  dividends: (a: Neuron, b: Neuron) => b.dividends - a.dividends,
  emission: (a: Neuron, b: Neuron) => descending(a.emissionRao, b.emissionRao),
  updated: (a: Neuron, b: Neuron) => b.lastUpdate - a.lastUpdate,
} as const;
type Column = keyof typeof ORDER;
const METAGRAPH_COLUMNS = Object.keys(ORDER) as readonly Column[];

const descending = (a: bigint, b: bigint): number => (a > b ? -1 : a < b ? 1 : 0);
/** What weights are decided by, where the chain says it. */
const stakeOf = ({ consensusStakeRao, stakeRao }: Neuron): bigint => consensusStakeRao ?? stakeRao;

export async function chainMetagraph(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(
    z.strictObject({
      ...networkFlags,
      netuid: netuidFlag,
      mechanism: mechanismFlag,
      sort: z.enum(METAGRAPH_COLUMNS).default('uid'),
      full: z.boolean().default(false),
    }),
    flags,
  );
  const { netuid, mechanism, sort, full, json } = options;
  return withChain(options, signal, async (chain) => {
    const subnet = await chain.subnet(toNetuid(netuid), undefined, mechanism);
    // a stable sort over what comes by uid: equals stay in that order
    const neurons = [...subnet.neurons].sort(ORDER[sort]);
    if (json) {
      printJson({ ...subnet, mechanism, neurons });
      return EXIT.ok;
    }
    const address = (text: string) => (full ? text : shortAddress(text));
    const table = new Table({
      head: [
        'uid',
        'hotkey',
        'coldkey',
        'stake',
        'permit',
        'incentive',
        'dividends',
        'emission',
        'axon',
        'updated',
      ],
      spare: ['coldkey', 'axon', 'dividends'],
    });
    for (const neuron of neurons)
      table.push([
        neuron.uid,
        address(neuron.hotkey),
        address(neuron.coldkey),
        taoText(stakeOf(neuron)),
        neuron.validatorPermit ? 'yes' : '-',
        shareText(neuron.incentive),
        shareText(neuron.dividends),
        taoText(neuron.emissionRao),
        axonText(neuron),
        neuron.lastUpdate === 0 ? '-' : `${subnet.block - neuron.lastUpdate} ago`,
      ]);
    print(table.toString());
    const next = subnet.nextEpochBlock === undefined ? 'never' : `block ${subnet.nextEpochBlock}`;
    print(
      `subnet ${netuid}, mechanism ${mechanism} of ${subnet.mechanismCount}, block ${subnet.block}: ${neurons.length} neurons, epoch ${subnet.epochIndex}, next at ${next}`,
    );
    return EXIT.ok;
  });
}

function axonText({ axon }: Neuron): string {
  if (!axon) return '-';
  const ip = axon.ip.includes(':') ? `[${axon.ip}]` : axon.ip;
  return `${ip}:${axon.port}${axon.serverKey ? ' tls' : ''}`;
}
