// Owns: what a chain says of a hotkey that is to be paid: registration, stake, axon, what it was paid last; and what to do. Pure.
// Does not own: reading it (chain), what it would be paid (earnings.ts), whether its port answers (ports.ts, reach.ts).
import type { ChainInfo, Neuron, Subnet } from '../../chain/chain.js';
import { isOfOwner } from '../../emissions/coinbase.js';
import type { Hotkey } from '../../model/ids.js';
import { VERSION } from '../../model/version.js';
import { isLoopback, isPublicAddress } from '../../protocol/address.js';
import { counted } from '../facts.js';
import type { SaidStatus } from '../miner-files.js';
import { taoText } from '../tao.js';
import { type Check, failed, ok, unknown, warning } from './check.js';

export interface SubnetSight {
  readonly info: Pick<ChainInfo, 'name' | 'type' | 'specVersion'>;
  readonly subnet: Subnet;
  /** undefined: only the subnet was named */
  readonly hotkey: Hotkey | undefined;
  readonly registrationRao: bigint;
  /** hyperparameters; undefined where the chain does not say */
  readonly mostUids: number | undefined;
  readonly immunityBlocks: number | undefined;
  /** what the miner of this host says of itself; undefined: no data folder was named, or none ever ran there */
  readonly running: SaidStatus | undefined;
}

export function subnetChecks(sight: SubnetSight): readonly Check[] {
  const { info, subnet, hotkey, running } = sight;
  const chain = ok(
    'chain',
    `${info.name} (${info.type}), spec ${info.specVersion}, block ${subnet.block}; subnet ${subnet.netuid}, epoch ${subnet.epochIndex}`,
  );
  if (hotkey === undefined)
    return [
      chain,
      unknown(
        'registration',
        'no hotkey was named',
        'name it: --hotkey, or --wallet and --hotkey; an address is enough',
      ),
      ...versionOf(running),
    ];
  const neuron = subnet.neurons.find((each) => each.hotkey === hotkey);
  return [
    chain,
    registrationOf(sight, neuron),
    ...(neuron ? [stakeOf(neuron), axonOf(neuron, info), payOf(subnet, neuron)] : []),
    ...versionOf(running),
  ];
}

function registrationOf(
  { subnet, hotkey, registrationRao, mostUids, immunityBlocks }: SubnetSight,
  neuron: Neuron | undefined,
): Check {
  if (neuron) {
    const { uid, registeredAt, coldkey } = neuron;
    const left = immunityBlocks === undefined ? 0 : registeredAt + immunityBlocks - subnet.block;
    const immune = left > 0 ? `, immune for ${counted(left, 'more block')}` : '';
    const said = `uid ${uid} of subnet ${subnet.netuid} since block ${registeredAt}${immune}; coldkey ${coldkey}`;
    return isOfOwner(neuron, ownerOf(subnet))
      ? warning(
          'registration',
          `${said}. It is the owner's: what it earns as a miner the chain burns`,
          "mine under a hotkey of another coldkey: those of the owner's are all the same to the chain",
        )
      : ok('registration', said);
  }
  const full = mostUids !== undefined && subnet.neurons.length >= mostUids;
  const takes = full
    ? `, in the place of whoever has least emission and is no longer immune: all ${mostUids} are taken`
    : '';
  return failed(
    'registration',
    `${hotkey} is not registered in subnet ${subnet.netuid}; that costs ${taoText(registrationRao)} TAO now${takes}`,
    `assay chain register --netuid ${subnet.netuid} --wallet NAME --hotkey NAME --price-limit ${taoText(registrationRao)}`,
  );
}

const stakeOf = ({ stakeRao, coldkey }: Neuron): Check =>
  ok(
    'stake',
    `${taoText(stakeRao)} alpha on the hotkey; a miner needs none, a policy may pay more for it (coldkey ${coldkey})`,
  );

function axonOf({ axon }: Neuron, { type }: SubnetSight['info']): Check {
  if (!axon)
    return failed(
      'axon',
      'the chain names no address of it: nobody calls it',
      'assay miner start announces it, with --announce-ip and --port',
    );
  const { ip, port, serverKey } = axon;
  const at = `${ip}:${port}`;
  if (type === 'live' && !isPublicAddress(ip))
    return failed(
      'axon',
      `${at} is no address of the internet`,
      'assay miner start --announce-ip with the address at which this host is reached',
    );
  if (!serverKey && !isLoopback(ip))
    return failed(
      'axon',
      `${at} is announced without a key for TLS: validators refuse it`,
      'announce it with assay miner start, which brings its own key',
    );
  return ok('axon', `${at}${serverKey ? ', with a key for TLS' : ', on loopback'}`);
}

type Owned = Pick<Subnet, 'ownerHotkey' | 'ownerColdkey'>;
export const ownerOf = ({ ownerHotkey: hotkey, ownerColdkey: coldkey }: Owned) => ({ hotkey, coldkey });

/** All that have incentive now, but for the owner's: theirs the chain burns. */
export const minersPaid = ({ neurons, ...owned }: Owned & Pick<Subnet, 'neurons'>): readonly Neuron[] =>
  neurons.filter((each) => each.incentive > 0 && !isOfOwner(each, ownerOf(owned)));

function payOf(subnet: Subnet, { incentive, emissionRao, uid }: Neuron): Check {
  const paid = minersPaid(subnet).length;
  const said = `incentive ${incentive} of 65535, ${taoText(emissionRao)} alpha in the last epoch; ${counted(paid, 'miner')} paid`;
  if (incentive > 0) return ok('paid now', said);
  return unknown(
    'paid now',
    said,
    `assay miner history shows what validators said of uid ${uid}; a new miner is paid from the epoch after its first event on`,
  );
}

function versionOf(running: SaidStatus | undefined): readonly Check[] {
  if (!running) return [ok('version', `assay ${VERSION}`)];
  const { status, isRunning } = running;
  if (!isRunning)
    return [
      failed(
        'miner',
        `it does not run; it was last ${status.phase}`,
        'assay miner start, or look at the log of its service',
      ),
    ];
  const said = `assay ${status.version}, ${status.phase}${status.why === undefined ? '' : `: ${status.why}`}`;
  return [
    status.phase === 'serving'
      ? ok('miner', said)
      : warning('miner', said, 'assay miner status says more; what its doctor found of slots stands there'),
    status.version === VERSION
      ? ok('version', `assay ${VERSION}, as the miner that runs`)
      : warning(
          'version',
          `this is assay ${VERSION}, the miner that runs is ${status.version}`,
          'restart the miner',
        ),
  ];
}
