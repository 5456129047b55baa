// A window collected while the chain, the disk or others' lines fail.
import { beforeAll, describe, expect, it } from 'vitest';
import { policyDigest } from '../../../../src/inference/spec/policy.js';
import { devKeypair, readyKeys } from '../../../../src/keys/keypair.js';
import { concat, equals } from '../../../../src/model/bytes.js';
import { sha256 } from '../../../../src/model/hash.js';
import { type Hotkey, toHotkey } from '../../../../src/model/ids.js';
import { FILE_PIECE_BYTES } from '../../../../src/protocol/limits.js';
import type { Holder } from '../../../../src/rollouts/fetch.js';
import { openWindow } from '../../../../src/rollouts/follow.js';
import { createMemoryShelf, manifestName, shelfBytesFor } from '../../../../src/rollouts/shelf.js';
import { createVirtualClock } from '../../../../src/testing/virtual-clock.js';
import { collect } from '../../../../src/validator/rollouts/collect.js';
import { historyOf } from '../../../../src/validator/rollouts/history.js';
import { memoryRolloutLedger } from '../../../../src/validator/rollouts/ledger.js';
import {
  createRolloutValidator,
  type RolloutValidatorStatus,
  type WindowJudge,
} from '../../../../src/validator/rollouts/run.js';
import { signManifest } from '../../../../src/verification/rollouts/manifest.js';
import { recordingLog } from '../../../support/logs.js';
import {
  CHECKPOINT,
  type ChainByClock,
  chainByClock,
  GENESIS,
  NETUID,
  rulesOf,
} from '../../../support/rollout-chain.js';

const POLICY = {
  temperature: '1',
  candidates: 64,
  maxTokens: 512,
  stopIds: [0],
  rolloutsPerGroup: 2,
  environmentDigest: new Uint8Array(32).fill(9),
};
/** Finds nothing. */
const judge: WindowJudge = {
  judge: async function* () {},
  close: () => () => {},
  prove: () => {},
  credit: () => new Map<Hotkey, number>(),
  alarms: () => [],
};
const QUOTA = 4096;
const rules = { ...rulesOf(policyDigest(POLICY)), policy: POLICY, vocabulary: 32_000, quota: QUOTA };
const hotkeyOf = (name: string) => toHotkey(devKeypair(name).address);
/** A megabyte and some, which no reader need understand. */
const FILE = Uint8Array.from({ length: 4 * FILE_PIECE_BYTES + 9 }, (_, i) => (i * 31 + (i >> 8)) % 251);

const signed = (name: string, file: Uint8Array, rollouts = 2048) => {
  const key = devKeypair(name);
  const manifest = {
    version: 1 as const,
    genesis: GENESIS,
    netuid: NETUID,
    window: 0,
    hotkey: key.publicKey,
    checkpointDigest: CHECKPOINT,
    policyDigest: rules.policyDigest,
    profileDigest: new Uint8Array(32),
    groups: rollouts / 2,
    forfeits: [],
    rollouts,
    tokens: rollouts * 300,
    fileBytes: file.length,
    fileSha256: sha256(file),
    merkleRoot: new Uint8Array(32),
  };
  return signManifest(manifest, (bytes) => key.sign(bytes));
};

describe('a window that is collected', () => {
  beforeAll(readyKeys);

  const clocked = () => {
    const clock = createVirtualClock();
    const names = Array.from({ length: 40 }, (_, i) => `miner-${i}`);
    const world = chainByClock(clock, names.map(hotkeyOf));
    const { log, lines } = recordingLog();
    return { clock, world, log, lines, names, signal: new AbortController().signal };
  };
  const commit = (world: ChainByClock, name: string, digest: Uint8Array) =>
    world.committed.set(hotkeyOf(name), { digest, block: 20 });

  /** Hands out by name, each piece after a while; what comes too late for the turn is not given. */
  const serves = (
    clock: ReturnType<typeof createVirtualClock>,
    files: readonly (readonly [Uint8Array, Uint8Array])[],
    pieceMs: number,
    asked: number[] = [],
  ): Holder => ({
    async piece(name, offset, signal) {
      const found = files.find(([own]) => equals(own, name))?.[1];
      if (!found) return undefined;
      asked.push(offset / FILE_PIECE_BYTES);
      await clock.sleep(pieceMs, signal);
      signal?.throwIfAborted();
      return { data: found.subarray(offset, offset + FILE_PIECE_BYTES), fileBytes: found.length };
    },
  });
  const stalls = (clock: ReturnType<typeof createVirtualClock>): Holder => ({
    async piece(_name, _offset, signal) {
      await clock.sleep(60_000, signal);
      return undefined;
    },
  });

  it('is not lost to reads of the chain that fail for a while', async () => {
    const { clock, world, log, signal } = clocked();
    const manifest = signed('miner-0', FILE);
    commit(world, 'miner-0', manifest.digest);
    // two seconds of three
    world.fails = (_what, block) => (block % 3 === 0 ? undefined : new Error('the line is down'));
    const shelf = createMemoryShelf();
    const holder = serves(
      clock,
      [
        [manifestName(manifest.digest), manifest.bytes],
        [sha256(FILE), FILE],
      ],
      1,
    );
    const parts = { ...world, clock, log, shelf, holdersOf: () => [holder] };
    const found = await clock.runUntil(
      openWindow(parts, rules, 0, signal).then((open) => collect(parts, rules, open!, signal)),
    );
    expect(found).toMatchObject({ type: 'collected', deliveries: [{ is: 'complete' }] });
  });

  it('keeps what came of a file from turn to turn, and gives the time to who delivers', async () => {
    const { clock, world, log, signal } = clocked();
    const names = Array.from({ length: 20 }, (_, i) => `miner-${i}`);
    const large = concat(FILE, FILE, FILE).subarray(0, 12 * FILE_PIECE_BYTES + 9);
    const manifest = signed('miner-19', large, QUOTA);
    for (const name of names) commit(world, name, signed(name, large, QUOTA).digest);
    const asked: number[] = [];
    // its first turn, behind those that only wait, has 4.4 s for four rounds of pieces and a half; its second and last one has 2 s
    const slow = serves(
      clock,
      [
        [manifestName(manifest.digest), manifest.bytes],
        [sha256(large), large],
      ],
      900,
      asked,
    );
    const stalling = stalls(clock);
    const shelf = createMemoryShelf();
    const holdersOf = (miner: Hotkey) => [miner === hotkeyOf('miner-19') ? slow : stalling];
    const parts = { ...world, clock, log, shelf, holdersOf };
    const found = await clock.runUntil(
      openWindow(parts, rules, 0, signal).then((open) => collect(parts, rules, open!, signal)),
    );
    const deliveries = found?.type === 'collected' ? found.deliveries : [];
    expect(deliveries.filter(({ is }) => is === 'missing')).toHaveLength(19);
    expect(deliveries.find(({ miner }) => miner === hotkeyOf('miner-19'))?.is).toBe('complete');
    // the manifest, and each piece: none twice but those in flight at the turn's end
    expect(asked.length).toBeLessThanOrEqual(1 + 13 + 4);
    expect(equals((await shelf.read(sha256(large)))!, large)).toBe(true);
    // and ends before anybody knows the round
    expect(clock.now()).toBeLessThan(world.timeOf(30) + 12_000);
  });

  it('has files that our disk does not keep as ours, and sends for them once', async () => {
    const { clock, world, log, lines, signal } = clocked();
    const manifest = signed('miner-0', FILE);
    commit(world, 'miner-0', manifest.digest);
    const asked: number[] = [];
    const holder = serves(
      clock,
      [
        [manifestName(manifest.digest), manifest.bytes],
        [sha256(FILE), FILE],
      ],
      1,
      asked,
    );
    const shelf = createMemoryShelf();
    const full: typeof shelf = {
      ...shelf,
      put: async () => {
        throw new Error('no space left on device');
      },
    };
    const parts = { ...world, clock, log, shelf: full, holdersOf: () => [holder] };
    const open = (await clock.runUntil(openWindow(parts, rules, 0, signal)))!;
    const found = await clock.runUntil(collect(parts, rules, open, signal));
    expect(found).toMatchObject({ deliveries: [{ is: 'ours', why: 'no space left on device' }] });
    expect(asked).toHaveLength(1 + 5);
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('asks for no file that is longer than its rollouts and tokens can make it', async () => {
    const { clock, world, log, signal } = clocked();
    const few = signed('miner-0', FILE, 64);
    commit(world, 'miner-0', few.digest);
    const asked: number[] = [];
    const holder = serves(
      clock,
      [
        [manifestName(few.digest), few.bytes],
        [sha256(FILE), FILE],
      ],
      1,
      asked,
    );
    const parts = { ...world, clock, log, shelf: createMemoryShelf(), holdersOf: () => [holder] };
    const found = await clock.runUntil(
      openWindow(parts, rules, 0, signal).then((open) => collect(parts, rules, open!, signal)),
    );
    expect(found).toMatchObject({ deliveries: [{ is: 'refused', reason: 'file-budget' }] });
    expect(asked).toEqual([0]);
  });

  const walks = async (
    change: (
      world: ChainByClock,
      clock: ReturnType<typeof createVirtualClock>,
    ) => {
      readonly ledger?: ReturnType<typeof memoryRolloutLedger>;
    },
  ) => {
    const { clock, world, log } = clocked();
    const { ledger = memoryRolloutLedger() } = change(world, clock);
    const statuses: RolloutValidatorStatus[] = [];
    const end = new AbortController();
    const shelf = createMemoryShelf({ maxBytes: 2 ** 40 });
    const onStatus = (status: RolloutValidatorStatus) => {
      statuses.push(status);
      if (status.is === 'judged') end.abort();
    };
    const validator = createRolloutValidator(
      { ...world, clock, log, shelf, ledger, judge, holdersOf: () => [], onStatus },
      rules,
    );
    await clock.runUntil(validator.run(end.signal));
    return { statuses, entries: ledger.entries() };
  };

  it('that cannot be read until its audit has lapsed, and says why; the next one is collected', async () => {
    const { entries } = await walks((world) => {
      world.fails = (what, block) =>
        what === 'commitments' && block < 60 ? new Error('state was discarded') : undefined;
      return {};
    });
    expect(entries.slice(0, 2)).toMatchObject([
      { type: 'lapsed', window: 0, why: expect.stringContaining('state was discarded') },
      { type: 'collected', window: 1 },
    ]);
  });

  it('that is on disk only after its audit’s round was out has lapsed; a disk that is full for a moment costs nothing', async () => {
    const { entries } = await walks((_world, clock) => {
      const ledger = memoryRolloutLedger();
      let fulls = 2;
      return {
        ledger: {
          ...ledger,
          async append(entry) {
            if (entry.type === 'collected' && entry.window === 0) await clock.sleep(13_000);
            if (entry.type === 'collected' && entry.window === 1 && fulls-- > 0) throw new Error('full');
            await ledger.append(entry);
          },
        },
      };
    });
    expect(entries.map(({ type, window }) => [type, window])).toEqual([
      ['collected', 0],
      ['lapsed', 0],
      ['collected', 1],
      ['judged', 1],
    ]);
  });

  it('and was on disk too late leaves a ledger that is whole, also where its end cannot be written at once', async () => {
    let fulls = 2;
    const { entries } = await walks((_world, clock) => {
      const ledger = memoryRolloutLedger();
      return {
        ledger: {
          ...ledger,
          async append(entry) {
            if (entry.type === 'collected' && entry.window === 0) await clock.sleep(13_000);
            if (entry.type === 'lapsed' && fulls-- > 0) throw new Error('full');
            await ledger.append(entry);
          },
        },
      };
    });
    expect(fulls).toBeLessThan(0);
    // in the order of the disk: the next one is collected meanwhile
    expect(entries.map(({ type, window }) => [type, window])).toEqual([
      ['collected', 0],
      ['collected', 1],
      ['lapsed', 0],
      ['judged', 1],
    ]);
    expect(historyOf(entries).flaws).toEqual([]);
  });

  it('needs a shelf on which no key can take the room of another', async () => {
    const { clock, world, log } = clocked();
    const most = shelfBytesFor(rules);
    // 4,096 rollouts of 512 tokens of three bytes, from 256 keys in twelve windows: 20 GB
    expect(Math.round(most / 1e9)).toBe(20);
    const parts = { ...world, clock, log, ledger: memoryRolloutLedger(), holdersOf: () => [] };
    const withRoom = (maxBytes: number) => () =>
      createRolloutValidator({ ...parts, judge, shelf: createMemoryShelf({ maxBytes }) }, rules);
    expect(withRoom(most - 1)).toThrow('the shelf takes');
    expect(withRoom(most)).not.toThrow();
  });
});
