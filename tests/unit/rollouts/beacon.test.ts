import { describe, expect, test } from 'vitest';
import { createLocalBeacon, QUICKNET } from '../../../src/chain/codec/timelock.js';
import { fromHex } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { createChainBeacon, createQuicknetBeacon, isRound } from '../../../src/rollouts/beacon.js';
import { askDrand } from '../../../src/rollouts/drand-http.js';

const { signal } = new AbortController();
// round 1000 of quicknet, as drand's HTTP interface gives it
const ROUND_1000 = fromHex(
  'b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39',
);

function chainWith(publicKey: Uint8Array, type: 'live' | 'development', signature?: Uint8Array) {
  return {
    info: async () => ({ name: '', type, specVersion: 1, genesisHash: new Uint8Array(32), blockTimeMs: 250 }),
    beacon: async () => ({
      publicKey,
      periodSeconds: 2,
      genesisSeconds: 100,
      lastStoredRound: 9,
      blockTimestampMs: 0,
    }),
    pulse: async () => signature,
  };
}

describe('which round a moment means', () => {
  const beacon = createQuicknetBeacon(async () => undefined);
  const { genesisSeconds, periodSeconds } = QUICKNET;

  test('the first one that comes out at or after it', () => {
    const at = (ms: number) => beacon.roundFrom(genesisSeconds * 1000 + ms);
    expect([at(-5000), at(0), at(1), at(3000), at(3001)]).toEqual([1n, 1n, 2n, 2n, 3n]);
    expect(beacon.timeOf(3n)).toBe((genesisSeconds + 2 * periodSeconds) * 1000);
  });
});

describe('a round', () => {
  test('of quicknet is verified whoever brings it', async () => {
    expect(await createQuicknetBeacon(async () => ROUND_1000).fetch(1000n, signal)).toEqual({
      kind: 'drand-quicknet',
      round: 1000n,
      signature: ROUND_1000,
    });
    const other = createQuicknetBeacon(async () => ROUND_1000);
    await expect(other.fetch(1001n, signal)).rejects.toMatchObject({ code: 'corrupt' });
    expect(await createQuicknetBeacon(async () => undefined).fetch(1000n, signal)).toBeUndefined();
  });

  test('of a record is checked by its bytes alone', () => {
    const round = { kind: 'drand-quicknet', round: 1000n, signature: ROUND_1000 } as const;
    expect(isRound(round)).toBe(true);
    expect(isRound({ ...round, kind: 'drand-pallet' })).toBe(true);
    expect(isRound({ ...round, round: 1001n })).toBe(false);
    const signature = sha256(createLocalBeacon('assay localnet').sign(7));
    expect(isRound({ kind: 'dev-chain', round: 7n, signature })).toBe(true);
    expect(isRound({ kind: 'dev-chain', round: 8n, signature })).toBe(false);
    expect(isRound({ kind: 'dev-chain', round: 7n, signature }, 'another')).toBe(false);
  });

  test("of a localnet's beacon is shown by its digest, and only where the chain is no live one", async () => {
    const local = createLocalBeacon('assay localnet');
    const chain = chainWith(local.publicKey, 'development', local.sign(7));
    const beacon = await createChainBeacon('dev-chain', chain);
    expect(await beacon.fetch(7n, signal)).toEqual({
      kind: 'dev-chain',
      round: 7n,
      signature: sha256(local.sign(7)),
    });
    expect(beacon.roundFrom(101_000)).toBe(2n);
    await expect(beacon.fetch(8n, signal)).rejects.toMatchObject({ code: 'corrupt' });
    const live = createChainBeacon('dev-chain', chainWith(local.publicKey, 'live'));
    await expect(live).rejects.toMatchObject({ code: 'unsupported' });
    const own = createChainBeacon('drand-pallet', chainWith(local.publicKey, 'development'));
    await expect(own).rejects.toMatchObject({ code: 'unsupported' });
  });

  test("of the main network's pallet is quicknet's", async () => {
    const beacon = await createChainBeacon('drand-pallet', chainWith(QUICKNET.publicKey, 'live', ROUND_1000));
    expect((await beacon.fetch(1000n, signal))?.kind).toBe('drand-pallet');
  });
});

describe('drand over HTTP', () => {
  const answer = (body: string, status = 200) => new Response(body, { status });
  const good = JSON.stringify({ round: 1000, signature: Buffer.from(ROUND_1000).toString('hex') });

  test('the next address is asked where one is silent, has it not yet, or answers something else', async () => {
    const asked: string[] = [];
    const answers = [
      new Error('no route'),
      answer('', 404),
      answer('x'.repeat(5000)),
      answer('{"round":999}'),
      answer(JSON.stringify({ round: 1000, signature: '81'.repeat(48) })),
      answer(good),
    ];
    const ask = askDrand(
      ['http://a', 'http://b', 'http://c', 'http://d', 'http://e', 'http://f'],
      async (url) => {
        asked.push(new URL(url).host);
        const next = answers.shift()!;
        if (next instanceof Error) throw next;
        return next;
      },
    );
    expect(await ask(1000n, signal)).toEqual(ROUND_1000);
    expect(asked).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  test('a round that nobody has yet is none; that nobody could be asked is an error', async () => {
    expect(await askDrand(['http://a'], async () => answer('', 404))(1n, signal)).toBeUndefined();
    const nobody = askDrand(['http://a'], async () => Promise.reject(new Error('no route')));
    await expect(nobody(1n, signal)).rejects.toMatchObject({ code: 'unreachable' });
  });
});
