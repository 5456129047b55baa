// Owns: pallet Drand (26): the beacon whose rounds open time-locked commits, and the rounds that the chain has.

import { fromHex, utf8 } from '../../../model/bytes.js';
import { call, definePallet, event } from '../pallet.js';
import { bool, fixedBytes, option, struct, u32, u64, variant, variants, vec } from '../scale.js';
import { blake, id, map, optionalMap, storageOf, value } from '../storage.js';
import { QUICKNET } from '../timelock.js';
import { boundedBytes, multiSignature } from '../types.js';

const MAX_MIGRATION_KEY_BYTES = 128;

const hash32 = boundedBytes(32);

const pulse = struct('pallet_drand::types::Pulse', {
  round: u64,
  randomness: hash32,
  signature: boundedBytes(144),
});
const beaconConfiguration = struct('pallet_drand::types::BeaconConfiguration', {
  public_key: boundedBytes(96),
  period: u32,
  genesis_time: u32,
  hash: hash32,
  group_hash: hash32,
  scheme_id: hash32,
  metadata: struct('pallet_drand::types::Metadata', { beacon_id: hash32 }),
});

const bytes32 = fixedBytes(32);
const multiSigner = variants('sp_runtime::MultiSigner', {
  Ed25519: variant(0, [bytes32] as const),
  Sr25519: variant(1, [bytes32] as const),
  Ecdsa: variant(2, [fixedBytes(33)] as const),
});
const pulsesPayload = struct(
  'pallet_drand::types::PulsesPayload',
  { block_number: u32, pulses: vec(pulse), public: multiSigner },
  [
    ['Public', multiSigner],
    ['BlockNumber', u32],
  ],
);
const configPayload = struct(
  'pallet_drand::types::BeaconConfigurationPayload',
  { block_number: u32, config: beaconConfiguration, public: multiSigner },
  [
    ['Public', multiSigner],
    ['BlockNumber', u32],
  ],
);
const signature = option(multiSignature);

export const drand = definePallet({
  name: 'Drand',
  index: 26,
  storage: storageOf('Drand', {
    BeaconConfig: value(beaconConfiguration, {
      public_key: QUICKNET.publicKey,
      period: QUICKNET.periodSeconds,
      genesis_time: QUICKNET.genesisSeconds,
      hash: fromHex('52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971'),
      group_hash: fromHex('f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e'),
      scheme_id: utf8('bls-unchained-g1-rfc9380'),
      metadata: { beacon_id: utf8('quicknet') },
    }),
    HasMigrationRun: map([id(boundedBytes(MAX_MIGRATION_KEY_BYTES))] as const, bool, false),
    Pulses: optionalMap([blake(u64)] as const, pulse),
    LastStoredRound: value(u64, 0n),
    OldestStoredRound: value(u64, 0n),
    NextUnsignedAt: value(u32, 0),
  }),
  calls: {
    write_pulse: call(0, { pulses_payload: pulsesPayload, signature }),
    set_beacon_config: call(1, { config_payload: configPayload, signature }),
    set_oldest_stored_round: call(2, { oldest_round: u64 }),
  },
  events: {
    BeaconConfigChanged: event(0, [] as const),
    NewPulse: event(1, { rounds: vec(u64) }),
    SetOldestStoredRound: event(2, [u64] as const),
  },
  errors: [
    ['NoneValue', 0],
    ['StorageOverflow', 1],
    ['DrandConnectionFailure', 2],
    ['UnverifiedPulse', 3],
    ['InvalidRoundNumber', 4],
    ['PulseVerificationError', 5],
  ],
  constants: {
    UnsignedPriority: { type: u64, value: 1n << 20n },
    HttpFetchTimeout: { type: u64, value: 1000n },
  },
});
