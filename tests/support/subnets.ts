// Owns: subnets and neurons as values, for rooms that ask a chain for no more.
import type { Neuron, Subnet } from '../../src/chain/chain.js';
import { toColdkey, toHotkey, toNetuid, toUid } from '../../src/model/ids.js';

export const NETUID = toNetuid(7);

export function neuron(uid: number, overrides: Partial<Neuron> = {}): Neuron {
  return {
    uid: toUid(uid),
    hotkey: toHotkey(`hotkey-${uid}`),
    coldkey: toColdkey(`coldkey-${uid}`),
    stakeRao: 0n,
    consensusStakeRao: 0n,
    validatorPermit: false,
    active: true,
    lastUpdate: 10 + uid,
    registeredAt: 10 + uid,
    incentive: 0,
    dividends: 0,
    emissionRao: 0n,
    axon: undefined,
    ...overrides,
  };
}

/** In an epoch from block 100 to 148; uid 0 is the owner's. */
export function subnet(neurons: readonly Neuron[] = [], overrides: Partial<Subnet> = {}): Subnet {
  return {
    netuid: NETUID,
    block: 140,
    tempo: 48,
    lastEpochBlock: 100,
    epochIndex: 5,
    nextEpochBlock: 148,
    ownerHotkey: neurons[0]?.hotkey ?? toHotkey('owner'),
    ownerColdkey: toColdkey('owner-coldkey'),
    ownerUid: neurons[0]?.uid,
    weightsRateLimit: 0,
    weightsVersionKey: 3n,
    minAllowedWeights: 0,
    stakeThresholdRao: 0n,
    commitRevealEnabled: false,
    revealPeriodEpochs: 1,
    timelockVersion: 4,
    mechanismCount: 1,
    neurons,
    ...overrides,
  };
}
