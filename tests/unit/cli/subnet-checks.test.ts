import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Commitment } from '../../../src/chain/operator-reads.js';
import { dataPaths } from '../../../src/cli/assemble.js';
import { policyInForce } from '../../../src/cli/doctor/policy-in-force.js';
import { type SubnetSight, subnetChecks } from '../../../src/cli/doctor/subnet-checks.js';
import type { SaidStatus } from '../../../src/cli/miner-files.js';
import { openShelf } from '../../../src/cli/parameter-files.js';
import { BUILT_IN_ALONE } from '../../../src/cli/subnet-module.js';
import { fromHex } from '../../../src/model/bytes.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { VERSION } from '../../../src/model/version.js';
import {
  encodePolicy,
  POLICIES,
  parsePolicy,
  policyDigest,
  type ScoringRule,
} from '../../../src/scoring/index.js';
import { encodePublication, NO_DIGEST } from '../../../src/verification/publication.js';
import { evenly } from '../../support/own-rules.js';
import { neuron, subnet } from '../../support/subnets.js';

const ME = neuron(5, { registeredAt: 100, stakeRao: 2_500_000_000n });
const LIVE = { name: 'A chain', type: 'live', specVersion: 425 } as const;
const KEY = { algorithm: 1, publicKey: new Uint8Array(32).fill(7) };

const sight = (changes: Partial<SubnetSight> = {}): SubnetSight => ({
  info: LIVE,
  subnet: subnet([neuron(0), ME]),
  hotkey: ME.hotkey,
  registrationRao: 1_500_000_000n,
  mostUids: 256,
  immunityBlocks: 4096,
  running: undefined,
  ...changes,
});
const check = (about: string, changes: Partial<SubnetSight> = {}) =>
  subnetChecks(sight(changes)).find((each) => each.about === about);
const served = (axon: { ip: string; port: number; serverKey?: typeof KEY }) =>
  check('axon', { subnet: subnet([neuron(0), { ...ME, axon }]) });

describe('what the doctor says of a hotkey', () => {
  test('is its uid, how long it is safe, and what is staked on it', () => {
    expect(check('registration')).toEqual({
      about: 'registration',
      state: 'ok',
      said: `uid 5 of subnet 7 since block 100, immune for 4056 more blocks; coldkey ${ME.coldkey}`,
    });
    expect(check('stake')?.said).toMatch(/^2\.5 alpha on the hotkey/);
  });

  test('is what a registration costs, and whose place it takes', () => {
    const stranger = toHotkey('somebody');
    expect(check('registration', { hotkey: stranger })).toMatchObject({
      state: 'failed',
      said: `${stranger} is not registered in subnet 7; that costs 1.5 TAO now`,
      fix: 'assay chain register --netuid 7 --wallet NAME --hotkey NAME --price-limit 1.5',
    });
    expect(check('registration', { hotkey: stranger, mostUids: 2 })?.said).toContain(
      'in the place of whoever has least',
    );
    expect(check('registration', { hotkey: undefined })).toMatchObject({
      state: 'unknown',
      fix: expect.stringContaining('--hotkey'),
    });
  });

  test('is that the owner earns nothing as a miner', () => {
    // by its hotkey, and by any other of its coldkey
    for (const its of [subnet([ME]), subnet([neuron(0), ME], { ownerColdkey: ME.coldkey })])
      expect(check('registration', { subnet: its })).toMatchObject({
        state: 'warning',
        fix: expect.stringContaining('another coldkey'),
      });
  });

  test('is where it answers, and what is wrong with that', () => {
    expect(served({ ip: '9.9.9.9', port: 8091, serverKey: KEY })).toMatchObject({
      state: 'ok',
      said: '9.9.9.9:8091, with a key for TLS',
    });
    expect(served({ ip: '10.0.0.3', port: 8091, serverKey: KEY })).toMatchObject({
      state: 'failed',
      fix: expect.stringContaining('--announce-ip'),
    });
    expect(served({ ip: '9.9.9.9', port: 8091 })).toMatchObject({
      state: 'failed',
      said: expect.stringContaining('without a key'),
    });
    expect(check('axon', { subnet: subnet([neuron(0), neuron(5, { axon: undefined })]) })).toMatchObject({
      state: 'failed',
      said: expect.stringContaining('no address'),
    });
  });

  test('is what it was paid last, or where to look', () => {
    expect(
      check('paid now', { subnet: subnet([neuron(0), neuron(5, { incentive: 7, emissionRao: 3n })]) }),
    ).toMatchObject({
      state: 'ok',
      said: 'incentive 7 of 65535, 0.000000003 alpha in the last epoch; 1 miner paid',
    });
    expect(check('paid now')).toMatchObject({
      state: 'unknown',
      fix: expect.stringContaining('assay miner history'),
    });
  });

  test('is how the miner of this host is', () => {
    const running = (isRunning: boolean, phase: string, version: string) =>
      ({ isRunning, pid: 1, writtenMs: 0, status: { phase, version } }) as SaidStatus; // all that is read of it
    expect(check('miner', { running: running(true, 'serving', VERSION) })?.state).toBe('ok');
    expect(check('miner', { running: running(true, 'waiting', VERSION) })?.state).toBe('warning');
    expect(check('miner', { running: running(false, 'serving', VERSION) })).toMatchObject({
      state: 'failed',
      said: 'it does not run; it was last serving',
    });
    expect(check('version', { running: running(true, 'serving', '0.0.1') })).toMatchObject({
      state: 'warning',
      fix: 'restart the miner',
    });
  });
});

describe('which policy is counted with', () => {
  const HASH = new Uint8Array(32);
  const own = parsePolicy({
    format: 'assay-scoring-policy/1',
    name: 'own',
    burn: 0.5,
    pools: [{ name: 'all', share: 0.5, prices: { opsPerS: { of: 1e15, counts: 1 } } }],
  });
  const publishing = (digest: string | undefined, firstEpoch = 1) => ({
    async commitmentOf(): Promise<Commitment | undefined> {
      if (digest === undefined) return undefined;
      const bytes = encodePublication({
        parameters: NO_DIGEST,
        previous: NO_DIGEST,
        policy: fromHex(digest),
        firstEpoch,
        versionKey: 1n,
      });
      return { hotkey: ME.hotkey, block: 1, depositRao: 0n, fields: [{ kind: 'raw', bytes }], revealed: [] };
    },
  });
  const ask = (
    chain: Parameters<typeof policyInForce>[0],
    of: { named?: string; data?: string; rules?: readonly ScoringRule[] } = {},
  ) =>
    policyInForce(
      chain,
      { subnet: subnet([neuron(0)]), hash: HASH },
      { named: of.named, data: of.data, known: { rules: of.rules ?? BUILT_IN_ALONE.rules } },
    );

  test('is the default where the owner published none, or the chain keeps none', async () => {
    const found = {
      found: { policy: POLICIES.compute, digest: policyDigest(POLICIES.compute) },
      check: { state: 'ok' },
    };
    expect(await ask(publishing(undefined))).toMatchObject(found);
    expect(await ask(publishing('00'.repeat(32)))).toMatchObject(found);
    const without = async () => {
      throw new AssayError('unsupported', 'no pallet', { what: 'Commitments', why: 'none' });
    };
    expect(await ask({ commitmentOf: without })).toMatchObject(found);
  });

  test('is the published one, where this build has it or a miner fetched it', async () => {
    expect(await ask(publishing(policyDigest(POLICIES.mixed)))).toMatchObject({
      found: { policy: POLICIES.mixed },
      check: { state: 'ok', said: expect.stringMatching(/^mixed \(.{12}\), published by the owner$/) },
    });
    const data = mkdtempSync(join(tmpdir(), 'assay-shelf-'));
    const digest = policyDigest(own);
    expect(await ask(publishing(digest), { data })).toMatchObject({
      found: undefined,
      check: { state: 'unknown', fix: expect.stringContaining('--policy') },
    });
    await openShelf(dataPaths.parameters(data)).write(digest, encodePolicy(own));
    expect(await ask(publishing(digest), { data })).toMatchObject({ found: { policy: own, digest } });
    // a file that is not what its name says is none
    await openShelf(dataPaths.parameters(data)).write(digest, encodePolicy(POLICIES.mixed));
    expect(await ask(publishing(digest), { data })).toMatchObject({ found: undefined });
    rmSync(data, { recursive: true });
  });

  test('is told of, and not counted, where its rule is not here, or refuses what it says of it', async () => {
    const pools = [{ ...own.pools[0]!, rule: { name: evenly.name, version: evenly.version } }];
    const ruled = parsePolicy({ ...own, pools }, undefined, [evenly]);
    const data = mkdtempSync(join(tmpdir(), 'assay-shelf-'));
    const digest = policyDigest(ruled);
    await openShelf(dataPaths.parameters(data)).write(digest, encodePolicy(ruled));
    const withRules = (...rules: ScoringRule[]) => ask(publishing(digest), { data, rules });
    expect(await withRules(evenly)).toMatchObject({ found: { policy: ruled }, check: { state: 'ok' } });
    const fix = expect.stringContaining("name the subnet's own module with --module");
    expect(await withRules()).toEqual({
      found: undefined,
      check: {
        ...{ about: 'policy', state: 'unknown', fix },
        said: expect.stringMatching(
          /^the owner's policy .{12}: .* does not have the scoring rule evenly, version 2/,
        ),
      },
    });
    const params = (): never => {
      throw new TypeError('least: expected a number');
    };
    expect((await withRules({ ...evenly, params })).check).toMatchObject({
      ...{ state: 'unknown', fix },
      said: expect.stringContaining('what evenly reads (least: expected a number)'),
    });
    rmSync(data, { recursive: true });
  });

  test('is said to wait where it counts later, and another one where somebody named it', async () => {
    expect((await ask(publishing(policyDigest(POLICIES.mixed), 5))).check).toMatchObject({
      state: 'warning',
      said: expect.stringContaining('it counts after epoch 5, this one is 5'),
    });
    expect((await ask(publishing(policyDigest(POLICIES.mixed)), { named: 'mixed' })).check).toMatchObject({
      state: 'ok',
    });
    expect(await ask(publishing(policyDigest(POLICIES.mixed)), { named: 'compute' })).toMatchObject({
      found: { policy: POLICIES.compute },
      check: { state: 'warning' },
    });
  });
});
