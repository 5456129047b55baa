import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  assertCalibrated,
  assertFitsChain,
  keepSubnet,
  parseRolloutSubnet,
  readRolloutSubnet,
  readSubnetFile,
} from '../../../src/cli/rollout-subnet.js';
import { devKeypair, readyKeys, verifySignature } from '../../../src/keys/keypair.js';
import { toHex } from '../../../src/model/bytes.js';
import { rolloutSubnet } from '../../../src/testing/rollouts/world.js';
import {
  type Calibration,
  calibrationDigest,
  freedomPpmOf,
  loadCalibration,
  signCalibration,
} from '../../../src/verification/rollouts/calibration.js';
import { SLICE } from '../../support/calibration-slice.js';

const own = { ...rolloutSubnet('plain'), plan: { firstBlock: 100, everyBlocks: 30, workBlocks: 20 } };
let folder = '';
let trainer = '';
let calibration: Calibration;
let artefact: Uint8Array;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-subnet-'));
  await readyKeys();
  trainer = devKeypair('trainer').address;
  // counts of two engines that are nobody's, as if they were of this subnet's policy
  const { calibration: slice } = loadCalibration(await readFile(SLICE), { verify: verifySignature });
  const { policy, environment } = parseRolloutSubnet({ ...own, trainer }, 'here');
  calibration = {
    ...slice,
    policy,
    environment: { ...slice.environment, digest: environment.digest },
    freedomPpm: freedomPpmOf(slice.tolerance, slice.noise.giniPpm, policy.maxTokens),
  };
  artefact = signCalibration(calibration, devKeypair('owner'));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const value = (more: object = {}) => ({
  ...own,
  trainer,
  calibration: toHex(calibrationDigest(calibration)),
  ...more,
});

describe('a subnet that names a calibration', () => {
  it('is judged by it: delta, bound and draws are its, the price of a prompt the file’s', () => {
    const { rules } = parseRolloutSubnet(value({ prompt: { millis: 70, is: 'declared' } }), 'x', artefact);
    expect(rules).toEqual({
      draw: { rollouts: 6, deep: 6, positions: 8 },
      tolerance: 21,
      bounds: [{ upTo: 24, ppb: 7_461_356 }],
      promptMillis: 70,
    });
  });

  it('is refused without the artefact, and with another, an unsigned one or one of another policy', () => {
    const parse =
      (bytes?: Uint8Array, more: object = {}) =>
      () =>
        parseRolloutSubnet(value(more), 'x', bytes);
    expect(parse()).toThrow(/calibration of x: expected the artefact [0-9a-f]{64}, got none/);
    const other = signCalibration({ ...calibration, weights: 'unknown' }, devKeypair('owner'));
    expect(parse(other)).toThrow('calibration: expected digest');
    const text = new TextDecoder().decode(artefact);
    const forged = text.replace(/"signature":"../, (begun) => `${begun.slice(0, -2)}00`);
    expect(parse(new TextEncoder().encode(forged))).toThrow('signature of the calibration');
    const policy = { ...own.policy, maxTokens: 25 };
    expect(parse(artefact, { policy })).toThrow("expected one of the subnet's policy and environment");
    const environment = { id: 'arithmetic', params: { operators: '-', digits: 2, form: 'question' } };
    expect(parse(artefact, { environment })).toThrow("expected one of the subnet's policy and environment");
  });

  it('is read from a file with the artefact beside it, or where flags say, and kept for whoever replays', async () => {
    await writeFile(at('subnet.json'), JSON.stringify(value(), undefined, 2));
    await expect(readSubnetFile(at('subnet.json'))).rejects.toThrow('calibration.json: expected a file');
    await writeFile(at('elsewhere'), artefact);
    const subnet = await readSubnetFile(at('subnet.json'), at('elsewhere'));
    await keepSubnet(at('data'), subnet);
    await keepSubnet(at('data'), subnet);
    const kept = await readRolloutSubnet(at('data'));
    expect(kept.text).toBe(subnet.text);
    expect(kept.rules).toEqual(subnet.rules);
    const next = parseRolloutSubnet(value({ quota: 64 }), 'x', artefact);
    await expect(keepSubnet(at('data'), next)).rejects.toThrow('got one with another subnet.json');
    await expect(readRolloutSubnet(at('none'))).rejects.toThrow("expected a validator's folder of rollouts");
  });

  it('is for the engines that were measured, whatever their weights', () => {
    const subnet = parseRolloutSubnet(value(), 'x', artefact);
    const { verifier, miner } = calibration;
    const check = (side: 'miner' | 'verifier', profile: typeof miner) => () =>
      assertCalibrated(subnet, side, profile);
    const learned = new Uint8Array(32).fill(3);
    expect(check('verifier', { ...verifier, weightsDigest: learned })).not.toThrow();
    expect(check('miner', { ...miner, weightsDigest: learned })).not.toThrow();
    for (const other of [
      { isa: 'sparc' },
      { engineVersion: '9' },
      { graphDigest: learned },
      { dtype: 'bf16' },
    ])
      expect(check('verifier', { ...verifier, ...other } as typeof verifier), JSON.stringify(other)).toThrow(
        'verifier of the calibration: expected',
      );
  });
});

it('a subnet without a calibration is for localnets alone', () => {
  const subnet = parseRolloutSubnet(value({ calibration: 'none-localnet-only' }), 'x');
  expect(() => assertFitsChain(subnet, { type: 'development', name: 'here' })).not.toThrow();
  expect(() => assertFitsChain(subnet, { type: 'live', name: 'Bittensor' })).toThrow(
    'Bittensor is a live chain',
  );
  const measured = parseRolloutSubnet(value(), 'x', artefact);
  expect(() => assertFitsChain(measured, { type: 'live', name: 'Bittensor' })).not.toThrow();
  expect(() => assertCalibrated(subnet, 'miner', calibration.miner)).not.toThrow();
});
