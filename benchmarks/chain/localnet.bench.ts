// The localnet alone: a subnet of 256 neurons, 64 of which validate and set weights in every epoch of 20 blocks.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { encodeExtra, encodeSigned, signingPayload } from '../../src/chain/codec/extrinsic.js';
import { type RuntimeCall, runtimeCall, runtimeVersion } from '../../src/chain/codec/runtime.js';
import { encode } from '../../src/chain/codec/scale.js';
import { SNAPSHOT_FORM, type SubnetSnapshot } from '../../src/chain/snapshot-file.js';
import { devKeypair, type Keypair, readyKeys } from '../../src/keys/keypair.js';
import { createLocalnet, type Localnet, type LocalnetOptions } from '../../src/localnet/localnet.js';
import { nodeOf } from '../../src/localnet/node.js';
import { createSeededRandom } from '../../src/model/prng.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const NEURONS = 256;
const VALIDATORS = 64;
const TEMPO = 20;
const NETUID = 1;
const FIRST_BLOCK = 1000;
const TAO = 1_000_000_000n;
const BENCH = `localnet, ${NEURONS} neurons, ${VALIDATORS} rows of weights an epoch, tempo ${TEMPO}`;

const hotkey = (uid: number): string => devKeypair(`hot ${uid}`).address;

/** Weights that differ from row to row, so that consensus has something to clip. */
function subnet(): SubnetSnapshot {
  const neurons = Array.from({ length: NEURONS }, (_, uid) => ({
    hotkey: hotkey(uid),
    coldkey: devKeypair(`cold ${uid}`).address,
    alphaRao: uid < VALIDATORS ? BigInt(10_000 + 100 * uid) * TAO : 0n,
    rootRao: 0n,
    registeredAt: 1,
    lastUpdate: FIRST_BLOCK,
    active: true,
    validatorPermit: uid < VALIDATORS,
    consensus: 0,
    incentive: 0,
    dividends: 0,
    validatorTrust: 0,
    emissionRao: 0n,
  }));
  return {
    ...SNAPSHOT_FORM,
    genesisHash: `0x${'00'.repeat(32)}`,
    specVersion: runtimeVersion.spec_version,
    block: { number: FIRST_BLOCK, hash: `0x${'00'.repeat(32)}` },
    netuid: NETUID,
    chain: {},
    rootTaoRao: 1_000_000n * TAO,
    hyperparameters: {
      Tempo: TEMPO,
      MaxAllowedUids: NEURONS,
      MaxAllowedValidators: VALIDATORS,
      MinAllowedWeights: 1,
      // nobody falls silent within the bench
      ActivityCutoffFactorMilli: 1_000_000_000,
      WeightsSetRateLimit: '0',
      CommitRevealWeightsEnabled: false,
      Yuma3On: true,
      SubtokenEnabled: true,
    },
    schedule: { LastEpochBlock: FIRST_BLOCK, FirstEmissionBlockNumber: 1 },
    pool: {
      SubnetMechanism: 1,
      SubnetTAO: (100_000n * TAO).toString(),
      SubnetAlphaIn: (1_000_000n * TAO).toString(),
      SubnetAlphaOut: (2_000_000n * TAO).toString(),
    },
    emission: {},
    swap: {},
    owner: { hotkey: hotkey(NEURONS - 1), coldkey: devKeypair(`cold ${NEURONS - 1}`).address },
    neurons,
    weights: Array.from({ length: VALIDATORS }, (_, uid) => ({ mechanism: 0, uid, row: rowOf(uid, 0) })),
    bonds: [],
  };
}

function rowOf(uid: number, epoch: number): [number, number][] {
  const random = createSeededRandom(`${uid} ${epoch}`);
  const bytes = random.bytes(2 * (NEURONS - VALIDATORS));
  return Array.from({ length: NEURONS - VALIDATORS }, (_, index) => [
    VALIDATORS + index,
    bytes[2 * index]! * 256 + bytes[2 * index + 1]!,
  ]);
}

const start = (options: Partial<LocalnetOptions> = {}): Promise<Localnet> =>
  createLocalnet({
    sudo: devKeypair('root').address,
    balances: [[devKeypair('sender').address, 1000n * TAO]],
    manual: true,
    from: { snapshot: subnet() },
    ...options,
  });

/** @returns blocks a second */
async function run(chain: Localnet, blocks: number): Promise<number> {
  const epochs = Array.from({ length: 4 }, (_, epoch) =>
    Array.from({ length: VALIDATORS }, (_, uid) => weightsCall(rowOf(uid, epoch))),
  );
  const began = performance.now();
  for (let made = 0; made < blocks; made++) {
    const due = made % TEMPO === TEMPO - 1 ? epochs[Math.floor(made / TEMPO) % epochs.length]! : [];
    const sent = due.map((call, uid) => chain.submit(call, hotkey(uid)));
    chain.produceBlock();
    for (const { error } of await Promise.all(sent))
      if (error !== undefined) throw new Error(`weights were refused: ${error}`);
  }
  return (1000 * blocks) / (performance.now() - began);
}

const weightsCall = (row: readonly (readonly [number, number])[]): RuntimeCall => ({
  pallet: 'SubtensorModule',
  name: 'set_weights',
  args: { netuid: NETUID, dests: row.map(([to]) => to), weights: row.map(([, w]) => w), version_key: 0n },
});

const round = (value: number, digits = 0): number => Number(value.toFixed(digits));

async function sustained(emit: Emit): Promise<void> {
  const chain = await start();
  await run(chain, 1000);
  globalThis.gc?.();
  emit({
    bench: BENCH,
    metric: 'memory of the process after 1,000 blocks',
    value: round(process.memoryUsage().rss / 2 ** 20),
    unit: 'MiB',
  });
  const rate = await run(chain, 9000);
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  emit({ bench: BENCH, metric: 'blocks', value: round(rate, 1), unit: 'blocks/s' });
  emit({
    bench: BENCH,
    metric: 'memory of the process after 10,000 blocks',
    value: round(rss / 2 ** 20),
    unit: 'MiB',
  });
  emit({ bench: BENCH, metric: 'heap after 10,000 blocks', value: round(heapUsed / 2 ** 20), unit: 'MiB' });
}

async function durable(emit: Emit): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'));
  try {
    const chain = await start({ basePath: folder });
    emit({
      bench: `${BENCH}, in a folder`,
      metric: 'blocks',
      value: round(await run(chain, 3000), 1),
      unit: 'blocks/s',
    });
    chain.close();
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    emit({
      bench: `${BENCH}, in a folder`,
      metric: 'folder after 3,000 blocks',
      value: round(bytes / 2 ** 20, 1),
      unit: 'MiB',
    });
    const began = performance.now();
    const again = await createLocalnet({ sudo: devKeypair('root').address, manual: true, basePath: folder });
    emit({
      bench: `${BENCH}, in a folder`,
      metric: 'start again',
      value: round(performance.now() - began),
      unit: 'ms',
    });
    again.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As a client sends them: signed, checked when they come, in blocks of 50. */
async function extrinsics(emit: Emit): Promise<void> {
  const chain = await start();
  const sender = devKeypair('sender');
  const all = Array.from({ length: 2000 }, (_, nonce) => signedRemark(chain, sender, nonce));
  const node = nodeOf(chain);
  const began = performance.now();
  all.forEach((bytes, index) => {
    node.submitBytes(bytes);
    if (index % 50 === 49) chain.produceBlock();
  });
  const seconds = (performance.now() - began) / 1000;
  const { nonce } = chain.query('System', 'Account', sender.address);
  if (nonce !== all.length) throw new Error(`${nonce} extrinsics were included, of ${all.length}`);
  emit({ bench: BENCH, metric: 'signed extrinsics', value: round(all.length / seconds), unit: '1/s' });
}

function signedRemark(chain: Localnet, sender: Keypair, nonce: number): Uint8Array {
  const callBytes = encode(runtimeCall, {
    pallet: 'System',
    name: 'remark',
    args: { remark: new Uint8Array(64) },
  });
  const extraBytes = encodeExtra({ era: { type: 'immortal' }, nonce, tip: 0n, mode: 0 });
  const payload = signingPayload(callBytes, extraBytes, {
    specVersion: runtimeVersion.spec_version,
    transactionVersion: runtimeVersion.transaction_version,
    genesisHash: chain.blockHash(0),
    eraHash: chain.blockHash(0),
  });
  const signature = { type: 'Sr25519', value: [sender.sign(payload)] } as const;
  return encodeSigned({ address: { type: 'Id', value: [sender.address] }, signature, callBytes, extraBytes });
}

export default async function (emit: Emit): Promise<void> {
  await readyKeys();
  await sustained(emit); // first: the memory is this one's
  await durable(emit);
  await extrinsics(emit);
}
