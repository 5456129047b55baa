import { describe, expect, test } from 'vitest';
import {
  parsePolicy,
  policyDigest,
  policyJson,
  temperatureOf,
} from '../../../../src/inference/spec/policy.js';
import { parseProfile, profileDigest, profileJson } from '../../../../src/inference/spec/profile.js';
import { parseWindow, windowDigest, windowJson } from '../../../../src/inference/spec/window.js';
import { toHex } from '../../../../src/model/bytes.js';

const DIGEST = 'ab'.repeat(32);
const policy = {
  temperature: '0.7',
  candidates: 256,
  maxTokens: 512,
  stopIds: [5, 256],
  rolloutsPerGroup: 8,
  environmentDigest: DIGEST,
};
const profile = {
  engine: 'onnxruntime-node',
  engineVersion: '1.30.0',
  provider: 'cpu',
  dtype: 'fp32',
  kvDtype: 'fp32',
  isa: 'x64',
  graphDigest: DIGEST,
  weightsDigest: DIGEST,
};
const window = {
  beacon: { kind: 'dev-chain', round: '18446744073709551615', signature: DIGEST },
  genesis: DIGEST,
  netuid: 3,
  window: 4_294_967_295,
  checkpointDigest: DIGEST,
  policyDigest: DIGEST,
};

describe('from JSON and back', () => {
  test('a policy', () => {
    const parsed = parsePolicy(policy);
    expect(policyJson(parsed)).toEqual(policy);
    expect(temperatureOf(parsed)).toBe(0.7);
    expect(toHex(policyDigest(parsed))).toBe(
      '19ca66234aa2a0b72670af1ada39259d6622f0a09c09b4b861e4eec44597f46d',
    );
  });

  test('a profile', () => {
    const parsed = parseProfile(profile);
    expect(profileJson(parsed)).toEqual(profile);
    expect(toHex(profileDigest(parsed))).toBe(
      'f4b7d30a04819b9c4d8f2f344b462b14165eebe033d97ac318e0abfa6b9a9d7d',
    );
  });

  test('a window', () => {
    const parsed = parseWindow(window);
    expect(parsed.beacon.round).toBe(2n ** 64n - 1n);
    expect(windowJson(parsed)).toEqual(window);
    expect(toHex(windowDigest(parsed))).toBe(
      '0776ea952bb76937f6d058c66dec543930f85c45a16c17040a240c7c134beb80',
    );
  });
});

describe('digests', () => {
  const every = <T extends object>(
    value: T,
    others: { readonly [K in keyof T]: unknown },
    of: (v: unknown) => string,
  ) => Object.entries(others).map(([key, other]) => of({ ...value, [key]: other }) !== of(value) && key);

  test('of policies differ with every field', () => {
    const others = {
      temperature: '1',
      candidates: 255,
      maxTokens: 511,
      stopIds: [256],
      rolloutsPerGroup: 9,
      environmentDigest: 'cd'.repeat(32),
    };
    expect(every(policy, others, (v) => toHex(policyDigest(parsePolicy(v))))).toEqual(Object.keys(policy));
  });

  test('of profiles differ with every field', () => {
    const others = {
      engine: 'plain',
      engineVersion: '1.30.1',
      provider: 'cuda',
      dtype: 'int8',
      kvDtype: 'fp16',
      isa: 'arm64',
      graphDigest: 'cd'.repeat(32),
      weightsDigest: 'cd'.repeat(32),
    };
    expect(every(profile, others, (v) => toHex(profileDigest(parseProfile(v))))).toEqual(
      Object.keys(profile),
    );
  });
});

describe('what is none is refused with its place named', () => {
  test.each<[string, unknown]>([
    ['policy: expected an object', 'x'],
    ['policy: expected an object', null],
    ['policy: expected an object', [policy]],
    ['policy.topP: expected one of', { ...policy, topP: 1 }],
    ['policy.temperature', { ...policy, temperature: 0.7 }],
    ['policy.temperature', { ...policy, temperature: '0' }],
    ['policy.temperature', { ...policy, temperature: '0.0' }],
    ['policy.temperature', { ...policy, temperature: '1.0' }],
    ['policy.temperature', { ...policy, temperature: '01' }],
    ['policy.temperature', { ...policy, temperature: '2.1' }],
    ['policy.temperature', { ...policy, temperature: '0.00001' }],
    ['policy.temperature', { ...policy, temperature: '1e0' }],
    ['policy.temperature', { ...policy, temperature: ' 1' }],
    ['policy.temperature', { ...policy, temperature: '-1' }],
    ['policy.candidates', { ...policy, candidates: 1 }],
    ['policy.candidates', { ...policy, candidates: 1025 }],
    ['policy.candidates', { ...policy, candidates: 2.5 }],
    ['policy.maxTokens', { ...policy, maxTokens: 0 }],
    ['policy.stopIds: expected a list', { ...policy, stopIds: [] }],
    ['policy.stopIds: expected a list', { ...policy, stopIds: Array.from({ length: 17 }, (_, i) => i) }],
    ['policy.stopIds[1]: expected an id above 5', { ...policy, stopIds: [5, 5] }],
    ['policy.stopIds[2]: expected an id above 7', { ...policy, stopIds: [5, 7, 6] }],
    ['policy.stopIds[0]', { ...policy, stopIds: [-1] }],
    ['policy.rolloutsPerGroup', { ...policy, rolloutsPerGroup: undefined }],
    ['policy.environmentDigest', { ...policy, environmentDigest: DIGEST.toUpperCase() }],
    ['policy.environmentDigest', { ...policy, environmentDigest: DIGEST.slice(2) }],
  ])('%s', (message, value) => {
    expect(() => parsePolicy(value)).toThrow(message);
  });

  test.each<[string, unknown]>([
    ['profile.dtype: expected one of fp32, fp16, bf16, int8, int4', { ...profile, dtype: 'fp64' }],
    ['profile.kvDtype', { ...profile, kvDtype: 'int8' }],
    ['profile.engine', { ...profile, engine: '' }],
    ['profile.engine', { ...profile, engine: 'a\nb' }],
    ['profile.isa', { ...profile, isa: 'x'.repeat(65) }],
    ['profile.weightsDigest', { ...profile, weightsDigest: 7 }],
  ])('%s', (message, value) => {
    expect(() => parseProfile(value)).toThrow(message);
  });

  test.each<[string, unknown]>([
    ['window.beacon.kind', { ...window, beacon: { ...window.beacon, kind: 'mine' } }],
    ['window.beacon.round', { ...window, beacon: { ...window.beacon, round: '18446744073709551616' } }],
    ['window.beacon.round', { ...window, beacon: { ...window.beacon, round: 7 } }],
    ['window.beacon.round', { ...window, beacon: { ...window.beacon, round: '07' } }],
    ['window.beacon.signature', { ...window, beacon: { ...window.beacon, signature: '' } }],
    [
      'window.beacon.signature: expected 48 bytes',
      { ...window, beacon: { ...window.beacon, kind: 'drand-pallet' } },
    ],
    ['window.genesis', { ...window, genesis: '01' }],
    ['window.netuid', { ...window, netuid: 65_536 }],
    ['window.window', { ...window, window: -1 }],
    ['window.blockHash: expected one of', { ...window, blockHash: DIGEST }],
  ])('%s', (message, value) => {
    expect(() => parseWindow(value)).toThrow(message);
  });
});
