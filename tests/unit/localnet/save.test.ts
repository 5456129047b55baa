// A chain in one file, and a subnet of another chain as the beginning of one.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeJson } from '../../../src/chain/codec/from-json.js';
import { type RuntimeCall, runtime } from '../../../src/chain/codec/runtime.js';
import { decode } from '../../../src/chain/codec/scale.js';
import {
  parseSnapshot,
  SNAPSHOT_FORM,
  type SubnetSnapshot,
  snapshotText,
} from '../../../src/chain/snapshot-file.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createLocalnet, type Localnet, type LocalnetOptions } from '../../../src/localnet/localnet.js';
import { restoreState, saveState } from '../../../src/localnet/save.js';
import { toHex } from '../../../src/model/bytes.js';

const TAO = 1_000_000_000n;
let folder: string;
beforeEach(async () => {
  await readyKeys();
  folder = mkdtempSync(join(tmpdir(), 'assay-save-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const address = (name: string): string => devKeypair(name).address;
const start = (options: Partial<LocalnetOptions> = {}): Promise<Localnet> =>
  createLocalnet({
    sudo: address('alice'),
    balances: [[address('alice'), 100_000n * TAO]],
    manual: true,
    ...options,
  });
const blocks = (chain: Localnet, count: number): void => {
  for (let made = 0; made < count; made++) chain.produceBlock();
};
const transfer: RuntimeCall = {
  pallet: 'Balances',
  name: 'transfer_keep_alive',
  args: { dest: { type: 'Id', value: [devKeypairAddress()] }, value: TAO },
};
function devKeypairAddress(): string {
  return '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
}

describe('a saved state', () => {
  it('goes on as the chain that it was saved of', async () => {
    const chain = await start();
    void chain.submit(transfer, address('alice'));
    blocks(chain, 7);
    const path = join(folder, 'chain.saved');
    saveState(path, chain.save());
    const restored = await start({ from: restoreState(path) });
    expect(restored.head()).toEqual(chain.finalized());
    expect(toHex(restored.blockHash(0))).toBe(toHex(chain.blockHash(0)));
    expect(restored.query('System', 'Account', devKeypairAddress()).data.free).toBe(TAO);
    blocks(restored, 2);
    expect(restored.head()).toEqual(chain.head());
    void restored.submit(transfer, address('alice'));
    void chain.submit(transfer, address('alice'));
    expect(restored.produceBlock()).toEqual(chain.produceBlock());
    await expect(restored.rpc('chain_getBlockHash', [2])).resolves.toBeNull();
  });

  it('can be of any block whose state is there', async () => {
    const chain = await start({ historyBlocks: 5 });
    blocks(chain, 20);
    expect(chain.save(17).header.number).toBe(17);
    expect(() => chain.save(3)).toThrow('block 3 is not there');
  });

  it('is refused when it is damaged, and when it is something else', async () => {
    const chain = await start();
    blocks(chain, 3);
    const path = join(folder, 'chain.saved');
    saveState(path, chain.save());
    const text = readFileSync(path, 'latin1');
    const read = (content: string) => {
      writeFileSync(path, content, 'latin1');
      return restoreState(path);
    };
    expect(() => read(text.replace(/ 0/, ' 1'))).toThrow('its checksum is not that of its content');
    expect(() => read(text.slice(0, -100))).toThrow('checksum');
    for (const other of ['', '{}', 'nothing', '{"format":"assay-localnet-state","version":2}\n'])
      expect(() => read(other)).toThrow('expected the saved state of a localnet');
    expect(() => restoreState(join(folder, 'none'))).toThrow('cannot be read');
    expect(() => saveState(join(folder, 'no', 'folder'), chain.save())).toThrow('cannot be written');
  });
});

it('is not written when it would be too large to be read', async () => {
  const chain = await start();
  const saved = chain.save();
  const path = join(folder, 'chain.saved');
  const value = new Uint8Array(1 << 20);
  const storage = Array.from(
    { length: 128 },
    (_, i) => [`0x${i.toString(16).padStart(8, '0')}`, value] as const,
  );
  expect(() => saveState(path, { ...saved, storage })).toThrow(
    expect.objectContaining({
      code: 'limit-exceeded',
      data: expect.objectContaining({ limit: 268_435_456 }),
    }),
  );
  expect(readdirSync(folder)).toEqual([]);
});

/** A subnet of main network as far as a test needs it: two validators that agree on two miners. */
function mainSubnet(): SubnetSnapshot {
  const keys = (name: string) => ({ hotkey: address(`${name} hot`), coldkey: address(`${name} cold`) });
  const neuron = (name: string, alphaRao: bigint, validatorPermit: boolean) => ({
    ...keys(name),
    alphaRao,
    rootRao: 0n,
    registeredAt: 5_000_000,
    lastUpdate: 6_000_100,
    active: true,
    validatorPermit,
    consensus: 0,
    incentive: 0,
    dividends: 0,
    validatorTrust: 0,
    emissionRao: 0n,
  });
  return {
    ...SNAPSHOT_FORM,
    genesisHash: `0x${'2f'.repeat(32)}`,
    specVersion: 424,
    block: { number: 6_000_123, hash: `0x${'ab'.repeat(32)}` },
    netuid: 64,
    chain: { TotalIssuance: '10000000000000000', TaoWeight: '3320413933267719290' },
    rootTaoRao: 5_000_000n * TAO,
    hyperparameters: {
      Tempo: 99,
      MinAllowedWeights: 1,
      MaxAllowedValidators: 64,
      Kappa: 32_767,
      AlphaValues: [45_875, 58_982],
      CommitRevealWeightsEnabled: false,
      Yuma3On: true,
      SubtokenEnabled: true,
      RecycleOrBurn: 'Burn',
      BondsMovingAverage: '900000',
      TokenSymbol: '0xf09d9c8f',
    },
    schedule: {
      LastEpochBlock: 6_000_050,
      FirstEmissionBlockNumber: 4_000_000,
      NetworkRegisteredAt: 3_900_000,
      BlocksSinceLastStep: 73,
    },
    pool: {
      SubnetMechanism: 1,
      SubnetTAO: '20000000000000',
      SubnetAlphaIn: '2000000000000000',
      SubnetAlphaOut: '3000000000000000',
      SubnetMovingPrice: '42949672',
    },
    emission: { PendingServerEmission: '30000000000', PendingValidatorEmission: '30000000000' },
    swap: { SwapBalancer: { quote: '500000000000000000' }, PalSwapInitialized: true },
    owner: keys('owner'),
    neurons: [
      neuron('owner', 0n, false),
      neuron('first', 900_000n * TAO, true),
      neuron('second', 600_000n * TAO, true),
      neuron('miner', 0n, false),
      neuron('lesser', 0n, false),
    ],
    weights: [
      {
        mechanism: 0,
        uid: 1,
        row: [
          [3, 65_535],
          [4, 21_845],
        ],
      },
      {
        mechanism: 0,
        uid: 2,
        row: [
          [3, 65_535],
          [4, 21_845],
        ],
      },
    ],
    bonds: [],
  };
}

describe('a fork of a subnet', () => {
  it('runs its next epoch when it would have run, on the weights that it came with', async () => {
    const snapshot = parseSnapshot(snapshotText(mainSubnet()), 'subnet.json');
    const own = { hotkey: address('my validator'), coldkey: address('alice') };
    const chain = await start({
      from: {
        snapshot,
        owner: { hotkey: address('my owner'), coldkey: address('alice') },
        neurons: [{ uid: 1, ...own }],
      },
    });
    expect([chain.head().number, chain.query('System', 'Number')]).toEqual([6_000_123, 6_000_123]);
    expect(chain.query('SubtensorModule', 'SubnetOwner', 64)).toBe(address('alice'));
    expect(chain.query('SubtensorModule', 'Keys', 64, 0)).toBe(address('my owner'));
    expect(chain.query('SubtensorModule', 'Keys', 64, 1)).toBe(own.hotkey);
    expect(chain.query('SubtensorModule', 'TotalHotkeyAlpha', own.hotkey, 64)).toBe(900_000n * TAO);
    expect(chain.query('SubtensorModule', 'BondsMovingAverage', 64)).toBe(900_000n);
    expect(chain.query('SubtensorModule', 'SubnetTAO', 64)).toBe(20_000n * TAO);

    // Tempo 99 after the last epoch at 6,000,050
    blocks(chain, 6_000_149 - 6_000_123);
    const epochs = [6_000_148, 6_000_149].map((number) =>
      chain.events(number).some(({ event }) => event.name === 'IncentiveAlphaEmittedToMiners'),
    );
    expect(epochs).toEqual([false, true]);
    // 65535 and 21845 are three parts and one
    const incentive = chain.query('SubtensorModule', 'Incentive', 64);
    expect(incentive[3]! / incentive[4]!).toBeCloseTo(3, 3);
    expect(chain.query('SubtensorModule', 'TotalHotkeyAlpha', address('miner hot'), 64)).toBeGreaterThan(
      20n * TAO,
    );
    expect(chain.query('SubtensorModule', 'TotalHotkeyAlpha', own.hotkey, 64)).toBeGreaterThan(
      900_000n * TAO,
    );

    // the validator is ours now
    const weights: RuntimeCall = {
      pallet: 'SubtensorModule',
      name: 'set_weights',
      args: { netuid: 64, dests: [4], weights: [65_535], version_key: 0n },
    };
    blocks(chain, 100);
    const receipt = chain.submit(weights, own.hotkey);
    chain.produceBlock();
    expect((await receipt).error).toBeUndefined();
  });

  it('is refused with a value that the localnet cannot hold, or keys for no neuron', async () => {
    const snapshot = mainSubnet();
    const bad = { ...snapshot, hyperparameters: { ...snapshot.hyperparameters, Tempo: 70_000 } };
    await expect(start({ from: { snapshot: bad } })).rejects.toThrow('snapshot: Tempo');
    const keys = { hotkey: address('x'), coldkey: address('y') };
    await expect(start({ from: { snapshot, neurons: [{ uid: 9, ...keys }] } })).rejects.toThrow(
      'uid below 5',
    );
    const twice = { uid: 1, hotkey: address('second hot'), coldkey: address('y') };
    await expect(start({ from: { snapshot, neurons: [twice] } })).rejects.toThrow('one that two have');
    const two = { ...snapshot, emission: { ...snapshot.emission, MechanismCountCurrent: 2 } };
    await expect(start({ from: { snapshot: two } })).rejects.toThrow(
      'snapshot: MechanismCountCurrent: expected a subnet of one mechanism, got 2',
    );
  });
});

describe('a snapshot file', () => {
  it('comes back as it was written', () => {
    expect(parseSnapshot(snapshotText(mainSubnet()), 'x')).toEqual(mainSubnet());
  });

  it('is refused with the place of what is wrong', () => {
    const changed = (path: readonly (string | number)[], value: unknown): string => {
      const json = JSON.parse(snapshotText(mainSubnet())) as Record<string | number, unknown>;
      let at = json;
      for (const step of path.slice(0, -1)) at = at[step] as typeof json;
      at[path.at(-1)!] = value;
      return JSON.stringify(json);
    };
    const refusal = (text: string): string => {
      try {
        parseSnapshot(text, 'subnet.json');
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(refusal('{')).toContain('something that is not JSON');
    expect(refusal('{}')).toContain(
      'subnet.json: expected the snapshot of a subnet (assay-subnet-snapshot 1)',
    );
    expect(refusal(changed(['version'], 2))).toContain('version');
    expect(refusal(changed(['neurons', 1, 'hotkey'], 'nobody'))).toContain('neurons.1.hotkey');
    expect(refusal(changed(['neurons', 1, 'alphaRao'], 12))).toContain('neurons.1.alphaRao');
    expect(refusal(changed(['weights', 0, 'row'], [[9, 1]]))).toContain('a uid that no neuron has');
    expect(refusal(changed(['neurons', 1, 'hotkey'], address('second hot')))).toContain('twice');
  });

  it('encodes values by the form of their item', () => {
    const { AlphaValues, RecycleOrBurn, BondsMovingAverage, TokenSymbol } = runtime.SubtensorModule.storage;
    expect(decode(AlphaValues.value, encodeJson(AlphaValues.value, [1, 2]))).toEqual([1, 2]);
    expect(decode(RecycleOrBurn.value, encodeJson(RecycleOrBurn.value, 'Recycle'))).toBe('Recycle');
    expect(
      decode(BondsMovingAverage.value, encodeJson(BondsMovingAverage.value, '18446744073709551615')),
    ).toBe(18_446_744_073_709_551_615n);
    expect(decode(TokenSymbol.value, encodeJson(TokenSymbol.value, '0x0102'))).toEqual([1, 2]);
    expect(() => encodeJson(AlphaValues.value, [1])).toThrow('a list of 2');
    expect(() => encodeJson(RecycleOrBurn.value, 'Keep')).toThrow(RangeError);
    expect(() => encodeJson(BondsMovingAverage.value, '-1')).toThrow(RangeError);
    expect(() => encodeJson(BondsMovingAverage.value, true)).toThrow('an integer');
  });
});
