// Encoding and signing of a weights call for 256 neurons, as the client does it, against a plain ApiPromise's signAsync.
// Both ask the same localnet in this process over loopback for what a signature needs (nonce, birth of the era).
import { ApiPromise, WsProvider } from '@polkadot/api';
import { CHAIN_LIMITS } from '../../src/chain/limits.js';
import { readBlock } from '../../src/chain/subtensor/blocks.js';
import { createExtrinsic, toCall } from '../../src/chain/subtensor/calls.js';
import { openConnection } from '../../src/chain/subtensor/connection.js';
import { setWeights } from '../../src/chain/subtensor/operations/weights.js';
import { sign, signFrom } from '../../src/chain/subtensor/submit.js';
import { devKeypair, readyKeys } from '../../src/keys/keypair.js';
import { createLocalnet, serveLocalnet } from '../../src/localnet/index.js';
import { concat } from '../../src/model/bytes.js';
import { systemClock } from '../../src/model/clock.js';
import { silentLog } from '../../src/model/log.js';

interface Row {
  readonly bench: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline?: number;
}
type Emit = (row: Row) => void;

const ROUNDS = 200;
const BENCH = 'set_weights of 256 entries; baseline: api.tx...signAsync of a plain ApiPromise';

/** Median milliseconds of each, run in turns so that what else the machine does is shared; a tenth as many warm up. */
async function medians(runs: readonly ((i: number) => Promise<unknown>)[]): Promise<number[]> {
  const times = runs.map((): number[] => []);
  for (let i = -ROUNDS / 10; i < ROUNDS; i++)
    for (const [which, run] of runs.entries()) {
      const begin = performance.now();
      await run(Math.max(0, i));
      if (i >= 0) times[which]?.push(performance.now() - begin);
    }
  return times.map((list) => list.sort((a, b) => a - b)[ROUNDS / 2]!); // one of ROUNDS
}

export default async function (emit: Emit): Promise<void> {
  await readyKeys();
  const hotkey = devKeypair('validator');
  const localnet = await createLocalnet({ sudo: hotkey.address, balances: [], manual: true });
  const stop = new AbortController();
  const url = await new Promise<string>((resolve, reject) => {
    serveLocalnet(localnet, { port: 0, onListening: (address) => resolve(address.url) }, stop.signal).catch(
      reject,
    );
  });
  const weights = Array.from({ length: 256 }, (_, uid) => [uid, 65_535 - uid] as const);

  const parts = { clock: systemClock, log: silentLog, limits: CHAIN_LIMITS };
  const connection = await openConnection({ ...parts, urls: [url], genesis: undefined });
  const encode = () => toCall(connection, setWeights({ netuid: 1, weights, versionKey: 0n }));
  // as never: WsProvider's ttl getter may give undefined, which exactOptionalPropertyTypes does not admit
  const api = await ApiPromise.create({ provider: new WsProvider(url) as never, noInitWarn: true });
  const signer = {
    address: hotkey.address,
    addressRaw: hotkey.publicKey,
    publicKey: hotkey.publicKey,
    sign: (message: Uint8Array) => concat(Uint8Array.of(1), hotkey.sign(message)), // MultiSignature's Sr25519
  };
  const dests = weights.map(([uid]) => uid);
  const values = weights.map(([, value]) => value);
  const birth = await readBlock(connection);
  const era = { eraBlocks: CHAIN_LIMITS.eraBlocks, birth };
  const [encoded, alone, ours, plain] = (await medians([
    async () => createExtrinsic(connection, encode()).method.toU8a(),
    async (nonce) => signFrom(connection, hotkey, encode(), { nonce, ...era }),
    (nonce) => sign(connection, hotkey, encode(), nonce, CHAIN_LIMITS.eraBlocks),
    // its own types ask for a keyring's pair, of which it uses these fields alone
    (nonce) => api.tx.subtensorModule!.setWeights!(1, dests, values, 0).signAsync(signer as never, { nonce }),
  ])) as [number, number, number, number]; // one for each

  await api.disconnect();
  await connection.close();
  stop.abort();
  emit({ bench: BENCH, metric: 'encoding alone, median', value: round(encoded), unit: 'ms' });
  emit({ bench: BENCH, metric: 'encoding and signing, median', value: round(alone), unit: 'ms' });
  emit({
    bench: BENCH,
    metric: 'encoding, signing and what a signature asks the node for, median',
    value: round(ours),
    unit: 'ms',
    baseline: round(plain),
  });
}

const round = (ms: number): number => Number(ms.toFixed(3));
