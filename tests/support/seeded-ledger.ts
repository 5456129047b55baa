// Owns: the ledger of a validator of a subnet of any size, written quickly: outcomes, what each epoch was paid by them, rows.
// Does not own: sessions (the evidence of its outcomes was forgotten), what is measured or shown of it.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { devKeypair, readyKeys } from '../../src/keys/keypair.js';
import { toAddress } from '../../src/keys/ss58.js';
import { toHex, u32le, utf8 } from '../../src/model/bytes.js';
import { canonicalJson } from '../../src/model/canonical-json.js';
import { sha256 } from '../../src/model/hash.js';
import { type Coldkey, type Hotkey, toColdkey, toHotkey } from '../../src/model/ids.js';
import type { Outcome } from '../../src/model/outcome.js';
import { createSeededRandom, type Random } from '../../src/model/prng.js';
import { accepted, inconclusive, rejected, type Verdict } from '../../src/model/verdict.js';
import {
  createScoringState,
  DEFAULT_POLICY,
  type Facts,
  policyDigest,
  type ScoringPolicy,
} from '../../src/scoring/index.js';
import type { EventEntry } from '../../src/validator/ledger/entries.js';
import { beginSegment } from '../../src/validator/ledger/segment.js';
import type { LedgerWriter } from '../../src/validator/ledger/signed.js';
import { scoreState } from '../../src/validator/score.js';
import { paramsId } from '../../src/verification/checked-params.js';
import { type ComputeParams, creditFor, paramsByClass } from '../../src/verification/kinds/compute/params.js';

export interface SeededSubnet {
  readonly writer: LedgerWriter;
  readonly policy: ScoringPolicy;
  /** of miners, by uid from FIRST_UID on */
  readonly hotkeys: readonly Hotkey[];
  readonly coldkeys: readonly Coldkey[];
  readonly facts: Facts;
  readonly firstEpoch: number;
  readonly epochs: number;
  readonly tempo: number;
  /** first block of the first epoch */
  readonly firstBlock: number;
  readonly outcomes: number;
  /** u16 by hotkey, of the newest epoch that was paid */
  readonly row: ReadonlyMap<Hotkey, number>;
}

export interface SeedOptions {
  readonly miners: number;
  /** @default 20: a day at a tempo of 360 blocks of 12 s */
  readonly epochs?: number;
  /** @default 5 */
  readonly eventsPerEpoch?: number;
  /** @default 360 */
  readonly tempo?: number;
  /** unix ms of the first event. @default 2026-11-01 */
  readonly from?: number;
  readonly seed?: string;
}

export const SEEDED_NETUID = 2;
/** of miners; before them the owner's and the validator's */
export const FIRST_UID = 2;
export const SEEDED_GENESIS = sha256(utf8('seeded chain'));
const BLOCK_MS = 12_000;
const CLASSES = ['rtx-4090', 'h100-sxm', 'a100-80', 'l40s', 'cpu-2048'] as const;
/** Rejections that one in so many outcomes ends in, by who it is: most are honest, some late now and then, some lie. */
const LIES = ['projection', 'seed', 'digest'] as const;

const address = (name: string, i: number): string =>
  toAddress(sha256(new Uint8Array([...utf8(name), ...u32le(i)])));

/** Writes `<data>/ledger` as a validator leaves it, signed. Sessions are said to be forgotten. */
export async function seedLedger(
  data: string,
  {
    miners,
    epochs = 20,
    eventsPerEpoch = 5,
    tempo = 360,
    from = Date.UTC(2026, 10, 1),
    seed = 'seeded',
  }: SeedOptions,
): Promise<SeededSubnet> {
  await readyKeys();
  const writer: LedgerWriter = {
    genesisHash: SEEDED_GENESIS,
    netuid: SEEDED_NETUID,
    keypair: devKeypair('seeded-validator'),
  };
  const validator = toHotkey(writer.keypair.address);
  const hotkeys = Array.from({ length: miners }, (_, i) => toHotkey(address('hotkey', i)));
  // every eighth shares the owner of the one before
  const coldkeys = hotkeys.map((_, i) => toColdkey(address('coldkey', i % 8 === 7 ? i - 1 : i)));
  const facts: Facts = {
    owner: toHotkey(address('owner', 0)),
    neurons: new Map(hotkeys.map((hotkey, i) => [hotkey, { coldkey: coldkeys[i]!, registeredEpoch: 1 }])),
  };
  const sets = CLASSES.map((name) => paramsByClass(name)!);
  const setIds = sets.map((set) => toHex(paramsId(set)));
  const folder = join(data, 'ledger');
  for (const each of ['segments', 'params']) await mkdir(join(folder, each), { recursive: true });
  const policy = DEFAULT_POLICY;
  await keepParams(folder, policyDigest(policy), policy);
  for (const [i, set] of sets.entries()) await keepParams(folder, setIds[i]!, set);

  const random = createSeededRandom(seed);
  const classOf = new Map(setIds.map((id, i) => [id, CLASSES[i]!]));
  const state = createScoringState(policy, { classOf: (id) => classOf.get(id) });
  const [firstEpoch, firstBlock] = [100, 1_000_000];
  const path = (epoch: number): string => join(folder, 'segments', `${String(epoch).padStart(10, '0')}.seg`);
  const evidence = { digest: sha256(utf8('forgotten')), offset: 0, length: 0 };
  let segment = await beginSegment(path(firstEpoch), writer, firstEpoch, {
    records: 0,
    link: new Uint8Array(32),
  });
  let row: ReadonlyMap<Hotkey, number> = new Map();
  let outcomes = 0;
  for (let k = 0; k < epochs; k++) {
    const epoch = firstEpoch + k;
    if (k > 0) {
      await segment.finish(writer);
      segment = await beginSegment(path(epoch), writer, epoch, segment.head());
    }
    const begins = firstBlock + k * tempo;
    for (let n = 0; n < eventsPerEpoch; n++) {
      const block = begins + Math.floor(((n + 0.5) * tempo) / eventsPerEpoch);
      const event = toHex(sha256(utf8(`${seed} ${epoch} ${n}`)));
      const entry = (type: EventEntry['type']): EventEntry => ({
        type,
        event,
        epoch,
        block,
        basis: sha256(utf8(`${epoch}`)),
      });
      const started = entry('event-started');
      state.started(started);
      const pending = [segment.append({ entry: started })];
      for (let i = 0; i < miners; i++) {
        const outcome: Outcome = {
          ...judged(random, sets[i % sets.length]!, i),
          id: toHex(sha256(utf8(`${event}/${i}`)).subarray(0, 16)),
          event,
          eventBlock: block,
          epoch,
          netuid: SEEDED_NETUID,
          validator,
          miner: hotkeys[i]!,
          kind: 'compute',
          paramsId: setIds[i % sets.length]!,
          slot: 0,
          ownDelayMs: 0.25,
          at: from + (block - firstBlock) * BLOCK_MS + 4000,
        };
        state.outcome(outcome);
        pending.push(segment.append({ recorded: () => ({ outcome, evidence }) }));
        outcomes++;
      }
      await Promise.all(pending);
      await segment.append({ entry: entry('event-completed') });
      state.completed(entry('event-completed'));
    }
    const pay = scoreState(state, epoch)?.pay(facts);
    if (!pay) continue;
    row = pay.u16;
    const block = begins + tempo - 2;
    await segment.append({
      entry: { type: 'scored', epoch, block, policy: policyDigest(policy), facts, row: [...row] },
    });
    const uids = hotkeys.flatMap((hotkey, i) =>
      (row.get(hotkey) ?? 0) > 0 ? [[i + FIRST_UID, row.get(hotkey)!] as const] : [],
    );
    await segment.append({ entry: { type: 'weights', epoch, block: block + 1, row: uids } });
  }
  await segment.close();
  return { writer, policy, hotkeys, coldkeys, facts, firstEpoch, epochs, tempo, firstBlock, outcomes, row };
}

/** One in 40 lies, one in 13 is late now and then, and our own machine fails once in a while. */
function judged(
  random: Random,
  set: ComputeParams,
  i: number,
): Pick<Outcome, 'verdict' | 'measuredMs' | 'credit' | 'share'> {
  const drawn = random.below(1000);
  const verdict: Verdict =
    i % 40 === 7
      ? rejected(LIES[i % LIES.length]!)
      : drawn < 2
        ? inconclusive('validator-fault')
        : drawn < (i % 13 === 5 ? 300 : 8)
          ? rejected('window')
          : accepted;
  const measuredMs =
    verdict.kind === 'rejected' && verdict.reason === 'window' ? undefined : 1400 + random.below(500);
  if (verdict.kind !== 'accepted') return { verdict, measuredMs, credit: {}, share: 0 };
  const labels = Math.max(1, Math.floor((set.nominalLabels * (850 + random.below(200))) / 1000));
  return { verdict, measuredMs, credit: creditFor(set, labels), share: labels / set.nominalLabels };
}

async function keepParams(folder: string, id: string, params: object): Promise<void> {
  await writeFile(join(folder, 'params', `${id}.json`), canonicalJson(params));
}
