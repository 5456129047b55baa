// Owns: what a chain can do, as its live metadata says. Does not own: version numbers; what follows from a feature.
import type { Runtime } from './runtime.js';
import { hasItem } from './storage.js';

/** What the runtime of a block has. Found by what its metadata lists, never by its version alone. */
export interface Features {
  /**
   * `stateful`: SubnetEpochIndex counts. `dynamic`: LastEpochBlock and PendingEpochAt hold the schedule, but commits are
   * still numbered by the block. `modulo`: (block + netuid + 1) mod (tempo + 1), before May 2026.
   */
  readonly epochs: 'stateful' | 'dynamic' | 'modulo';
  /** several weight matrices for a subnet */
  readonly mechanisms: boolean;
  /** commit_weights and reveal_weights */
  readonly plainCommits: boolean;
  /** commit_timelocked_weights, opened by a beacon */
  readonly timelockedCommits: boolean;
  /** pallet Drand: pulses of a beacon */
  readonly beacon: boolean;
  /** serve_axon_tls */
  readonly serverKeys: boolean;
  /** register_limit: registration that fails above a price */
  readonly registerLimit: boolean;
  /** add_stake_limit, remove_stake_limit */
  readonly stakeLimits: boolean;
  /** owners' hyperparameters freeze before an epoch */
  readonly freezeWindow: boolean;
  /** where the metagraph of one mechanism comes from */
  readonly metagraph: 'selective-mechagraph' | 'mechagraph' | 'selective-metagraph' | 'metagraph' | 'storage';
  readonly hyperparameters: 'v3' | 'v2' | 'v1' | 'storage';
  readonly subnetList: 'dynamic-info' | 'storage';
  readonly stakeInfo: 'runtime-api' | 'storage';
  /** sim_swap_tao_for_alpha and its reverse */
  readonly simulatedSwaps: boolean;
}

const M = 'SubtensorModule';
const known = new WeakMap<Runtime, Features>();

export function featuresOf(runtime: Runtime): Features {
  let features = known.get(runtime);
  if (!features) {
    features = detect(runtime);
    known.set(runtime, features);
  }
  return features;
}

function detect(runtime: Runtime): Features {
  const item = (name: string) => hasItem(runtime, M, name);
  const call = (name: string) => runtime.calls.has(`${M}.${name}`);
  const api = (name: string) => describes(runtime, name);
  const first = <T extends string>(options: readonly (readonly [T, boolean])[], otherwise: T): T =>
    options.find(([, present]) => present)?.[0] ?? otherwise;
  const subnetApi = (name: string) => api(`SubnetInfoRuntimeApi_${name}`);
  return {
    epochs: first(
      [
        ['stateful', item('LastEpochBlock') && item('SubnetEpochIndex')],
        ['dynamic', item('LastEpochBlock')],
      ],
      'modulo',
    ),
    mechanisms: item('MechanismCountCurrent'),
    plainCommits: item('WeightCommits') && call('commit_weights'),
    timelockedCommits: item('TimelockedWeightCommits') && call('commit_timelocked_weights'),
    beacon: hasItem(runtime, 'Drand', 'LastStoredRound'),
    serverKeys: item('NeuronCertificates') && call('serve_axon_tls'),
    registerLimit: call('register_limit'),
    stakeLimits: call('add_stake_limit') && call('remove_stake_limit'),
    freezeWindow: item('AdminFreezeWindow'),
    metagraph: first(
      [
        ['selective-mechagraph', subnetApi('get_selective_mechagraph')],
        ['mechagraph', subnetApi('get_mechagraph')],
        ['selective-metagraph', !item('MechanismCountCurrent') && subnetApi('get_selective_metagraph')],
        ['metagraph', !item('MechanismCountCurrent') && subnetApi('get_metagraph')],
      ],
      'storage',
    ),
    hyperparameters: first(
      [
        ['v3', subnetApi('get_subnet_hyperparams_v3')],
        ['v2', subnetApi('get_subnet_hyperparams_v2')],
        ['v1', subnetApi('get_subnet_hyperparams')],
      ],
      'storage',
    ),
    subnetList: subnetApi('get_all_dynamic_info') ? 'dynamic-info' : 'storage',
    stakeInfo: api('StakeInfoRuntimeApi_get_stake_info_for_coldkey') ? 'runtime-api' : 'storage',
    simulatedSwaps:
      api('SwapRuntimeApi_sim_swap_tao_for_alpha') && api('SwapRuntimeApi_sim_swap_alpha_for_tao'),
  };
}

/** A function whose answer the metadata describes. */
const describes = ({ apis }: Runtime, name: string): boolean => apis.get(name)?.isOpaque === false;
