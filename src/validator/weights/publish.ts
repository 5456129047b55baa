// Owns: an epoch's scores to a row on the chain, exactly once, whatever dies meanwhile: taking the steps that decide.ts
// names and writing each down. Does not own: the scores (scoring), the row's form (chain/weights).
import type {
  Beacon,
  ChainReader,
  ChainWriter,
  Head,
  Landed,
  SendOptions,
  Subnet,
  WeightRow,
} from '../../chain/chain.js';
import { blake2b256 } from '../../chain/codec/storage.js';
import {
  encodeWeightsPayload,
  revealTarget,
  roundForBlock,
  sealTimelocked,
} from '../../chain/codec/timelock.js';
import { commitHash, storageIndex } from '../../chain/codec/weight-commits.js';
import { alreadySetThisEpoch, toWeightRow } from '../../chain/weights.js';
import type { Keypair } from '../../keys/keypair.js';
import { toHex } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import { type Hotkey, type Netuid, toHotkey } from '../../model/ids.js';
import type { Log } from '../../model/log.js';
import type { Random } from '../../model/prng.js';
import type { Form, Sending, Step, WeightsBook, WeightsRecord } from './book.js';
import { isFinished } from './book.js';
import { decide, type Failure, type Next, type Seen } from './decide.js';

export interface PublisherParts {
  readonly reader: Pick<
    ChainReader,
    'info' | 'head' | 'finalizedHead' | 'blockHash' | 'subnet' | 'weights' | 'pendingCommits' | 'beacon'
  >;
  readonly writer: Pick<
    ChainWriter,
    'setWeights' | 'commitWeights' | 'revealWeights' | 'commitTimelockedWeights' | 'resend'
  >;
  readonly keypair: Keypair;
  readonly book: WeightsBook;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What a step found or did, for the log, the status and whoever must be told. */
export type Progress = { readonly epoch: number } & (
  | { readonly is: 'sent' | 'revealed' | 'applied'; readonly block: number; readonly row: WeightRow }
  | { readonly is: 'waiting' | 'refused'; readonly reason: string; readonly atBlock?: number }
  | { readonly is: 'already-set' }
  | { readonly is: 'nobody-scored' }
  | { readonly is: 'failed'; readonly reason: Failure }
);

export interface Due {
  /** the chain's epoch index that was scored: its weights must not be taken for the next one's */
  readonly epoch: number;
  /** what each hotkey proved, with the owner's share of what was not proven */
  readonly scores: (subnet: Subnet) => ReadonlyMap<Hotkey, number>;
}

export interface Publisher {
  /**
   * One look at the chain, and all steps that it allows. To be called at every head; never twice at once.
   * @param due the epoch whose weights are to be set now, if they are
   * @throws AssayError when the chain could not be asked; the next call decides anew
   */
  step(due?: Due): Promise<readonly Progress[]>;
  /** True while something is under way whose end is still to be seen. */
  readonly isUnfinished: boolean;
}

/** Reads and sends that one step may take for one record, or something turns in circles. */
const MAX_MOVES = 8;
/** Signatures hold for a power of two of blocks; 4 is the least that the chain knows. */
const MIN_ERA = 4;
const MAX_ERA = 64;
/** u16 words of a plain commit's salt: 128 bits. */
const SALT_WORDS = 8;

export function createPublisher(
  parts: PublisherParts,
  { netuid, mechanism = 0 }: { readonly netuid: Netuid; readonly mechanism?: number },
): Publisher {
  const { reader, writer, keypair, book, log } = parts;
  const self = toHotkey(keypair.address);
  /** block before which there is nothing to see for a record */
  const quiet = new Map<number, number>();
  const mine = () =>
    book.records().filter((record) => record.netuid === netuid && record.mechanism === mechanism);
  const unfinished = () => mine().filter((record) => !isFinished(record));

  async function step(due?: Due): Promise<Progress[]> {
    const { number: block } = await reader.head();
    const isDue = due !== undefined && !mine().some(({ epoch }) => epoch === due.epoch);
    const waiting = unfinished().filter(({ epoch }) => block >= (quiet.get(epoch) ?? 0));
    if (!isDue && waiting.length === 0) return [];
    const progress: Progress[] = [];
    let seen = await look(waiting);
    if (isDue) progress.push(...(await begin(due, seen)));
    for (const { epoch } of unfinished()) {
      if (block < (quiet.get(epoch) ?? 0)) continue;
      for (let moves = 0; ; moves++) {
        if (moves === MAX_MOVES) throw turningInCircles(epoch);
        const record = mine().find((one) => one.epoch === epoch)!;
        if (isFinished(record)) break;
        const next = decide(record, seen);
        const found = await take(record, next, seen);
        progress.push(...found);
        if (next.do === 'wait' || found.some(({ is }) => is === 'refused')) break;
        seen = await look([mine().find((one) => one.epoch === epoch)!]);
      }
    }
    return progress;
  }

  /** Everything of one block, so that no two answers contradict each other. */
  async function look(records: readonly WeightsRecord[]): Promise<Seen> {
    const [head, finalized] = await Promise.all([reader.head(), reader.finalizedHead()]);
    const subnet = await reader.subnet(netuid, head.hash, mechanism);
    const uid = subnet.neurons.find(({ hotkey }) => hotkey === self)?.uid;
    const blocks = [...new Set(records.flatMap(blocksOf))].filter((number) => number <= head.number);
    const rowAt = ({ hash }: Head) => (uid === undefined ? [] : reader.weights(netuid, uid, hash, mechanism));
    const [row, finalRow, finalPending, hashes] = await Promise.all([
      rowAt(head),
      rowAt(finalized),
      reader.pendingCommits(netuid, self, finalized.hash, mechanism),
      Promise.all(blocks.map(async (number) => [number, await hashAt(number, head)] as const)),
    ]);
    const hashOf = new Map(hashes);
    return {
      block: head.number,
      finalized: finalized.number,
      subnet,
      uid,
      row,
      finalRow,
      finalPending,
      isOnChain: (at) => hashOf.get(at.block) === at.blockHash,
    };
  }

  async function hashAt(number: number, head: Head): Promise<string> {
    return toHex(number === head.number ? head.hash : await reader.blockHash(number));
  }

  async function begin({ epoch, scores }: Due, { subnet, uid }: Seen): Promise<Progress[]> {
    if (subnet.epochIndex !== epoch) return [{ epoch, is: 'failed', reason: 'epoch-passed' }];
    // set already, and not by this book: it is a new one, or another process has this hotkey
    if (uid !== undefined && alreadySetThisEpoch(subnet, uid)) return [{ epoch, is: 'already-set' }];
    const computed = scores(subnet);
    if (![...computed.values()].some((score) => score > 0)) return [{ epoch, is: 'nobody-scored' }];
    await book.write({ netuid, mechanism, epoch }, { step: 'computed', scores: [...computed] });
    return [];
  }

  async function take(record: WeightsRecord, next: Next, seen: Seen): Promise<Progress[]> {
    const { epoch } = record;
    const write = (step: Step) => book.write(record, step);
    switch (next.do) {
      case 'wait':
        if (next.atBlock !== undefined) quiet.set(epoch, next.atBlock);
        return [
          {
            epoch,
            is: 'waiting',
            reason: next.reason,
            ...(next.atBlock === undefined ? {} : { atBlock: next.atBlock }),
          },
        ];
      case 'send':
        return send(record, seen);
      case 'resend':
        return settle(record, 'refused', seen, async () => {
          const landed = await writer.resend(record.sending!.signed);
          await include(record, landed);
          return [{ epoch, is: 'sent', block: landed.block, row: record.sending!.row }];
        });
      case 'reveal':
        return reveal(record, seen);
      case 'resend-reveal':
        return settle(record, 'reveal-refused', seen, async () => {
          const { block, blockHash } = await writer.resend(record.reveal!);
          await write({ step: 'revealed', block, blockHash: toHex(blockHash) });
          return [{ epoch, is: 'revealed', block, row: record.sending!.row }];
        });
      case 'retracted':
        await write({ step: 'retracted', block: record.included!.block });
        return [];
      case 'reveal-retracted':
        await write({ step: 'reveal-retracted', block: record.revealed!.block });
        return [];
      case 'applied':
        await write({ step: 'applied', block: seen.finalized });
        return [{ epoch, is: 'applied', block: seen.finalized, row: record.sending!.row }];
      case 'fail':
        await write({ step: 'failed', reason: next.reason });
        return [{ epoch, is: 'failed', reason: next.reason }];
    }
  }

  async function send(record: WeightsRecord, seen: Seen): Promise<Progress[]> {
    const { subnet, block, row: earlier } = seen;
    const { epoch } = record;
    const { row, dropped } = toWeightRow({ scores: new Map(record.scores), subnet, earlier });
    if (dropped.length > 0) log.info('scores of hotkeys that are no longer registered', { epoch, dropped });
    if (row.length === 0)
      return [{ epoch, is: 'refused', reason: 'nobody who scored is registered any more' }];
    const form: Form = !subnet.commitRevealEnabled
      ? 'set'
      : subnet.timelockVersion === undefined
        ? 'plain'
        : 'timelocked';
    const versionKey = subnet.weightsVersionKey;
    const options = (more: Partial<Sending>): SendOptions => ({
      eraBlocks: eraFor((subnet.nextEpochBlock ?? block + MAX_ERA) - block),
      onSigned: (signed) => book.write(record, { step: 'submitted', form, row, versionKey, signed, ...more }),
    });
    return settle(record, 'refused', seen, async () => {
      const landed = await sendAs(form, row, versionKey, subnet, options);
      await include(record, landed);
      return [{ epoch, is: 'sent', block: landed.block, row }];
    });
  }

  async function sendAs(
    form: Form,
    row: WeightRow,
    versionKey: bigint,
    subnet: Subnet,
    options: (more: Partial<Sending>) => SendOptions,
  ): Promise<Landed> {
    const uids = row.map(([uid]) => uid);
    const values = row.map(([, value]) => value);
    if (form === 'set') return writer.setWeights(keypair, netuid, row, versionKey, mechanism, options({}));
    if (form === 'plain') {
      const words = new Uint16Array(parts.random.bytes(2 * SALT_WORDS).slice().buffer);
      const salt = [...words];
      const hash = commitHash(self, storageIndex(netuid, mechanism), { uids, values, salt, versionKey });
      const more = { salt, commit: toHex(hash) };
      return writer.commitWeights(keypair, netuid, hash, mechanism, options(more));
    }
    const [beacon, info] = await Promise.all([reader.beacon(), reader.info()]);
    const revealRound = roundFor(subnet, beacon, info.blockTimeMs);
    const payload = encodeWeightsPayload({ hotkey: keypair.publicKey, uids, values, versionKey });
    const bytes = sealTimelocked(payload, revealRound, beacon.publicKey, parts.random);
    const commit = { bytes, revealRound, version: subnet.timelockVersion! };
    const more = { commit: toHex(blake2b256(bytes)), revealRound };
    return writer.commitTimelockedWeights(keypair, netuid, commit, mechanism, options(more));
  }

  /** A clock that is behind would lock to a round that is out already: what the chain has seen cannot be in the future. */
  function roundFor(subnet: Subnet, beacon: Beacon, blockTimeMs: number): number {
    const { block, tempo, revealPeriodEpochs, nextEpochBlock = block } = subnet;
    const storedAtMs = 1000 * (beacon.genesisSeconds + (beacon.lastStoredRound - 1) * beacon.periodSeconds);
    const unixMs = Math.max(parts.clock.now(), beacon.lastStoredRound > 0 ? storedAtMs : 0);
    const target = revealTarget({ nextEpochBlock, tempo, revealPeriodEpochs });
    return roundForBlock(beacon, { unixMs, block, blockTimeMs }, target);
  }

  async function reveal(record: WeightsRecord, seen: Seen): Promise<Progress[]> {
    const { row, versionKey, salt } = record.sending!;
    const left = (seen.subnet.nextEpochBlock ?? seen.block + MAX_ERA) - seen.block;
    const options: SendOptions = {
      eraBlocks: eraFor(left),
      onSigned: (signed) => book.write(record, { step: 'reveal-submitted', signed }),
    };
    return settle(record, 'reveal-refused', seen, async () => {
      const what = { weights: row, salt: salt!, versionKey };
      const { block, blockHash } = await writer.revealWeights(keypair, netuid, what, mechanism, options);
      await book.write(record, { step: 'revealed', block, blockHash: toHex(blockHash) });
      return [{ epoch: record.epoch, is: 'revealed', block, row }];
    });
  }

  /** A refusal is written down where bytes had been signed: the next attempt signs anew. Anything else stays undecided. */
  async function settle(
    record: WeightsRecord,
    refusal: 'refused' | 'reveal-refused',
    seen: Seen,
    work: () => Promise<Progress[]>,
  ): Promise<Progress[]> {
    try {
      return await work();
    } catch (error) {
      if (!isAssayError(error, 'chain-rejected')) throw error;
      const reason = error.data.error;
      const now = mine().find(({ epoch }) => epoch === record.epoch)!;
      const signed = refusal === 'refused' ? now.stage === 'submitted' : now.stage === 'reveal-submitted';
      if (signed) await book.write(record, { step: refusal, error: reason, block: seen.block });
      return [{ epoch: record.epoch, is: 'refused', reason }];
    }
  }

  async function include(record: WeightsRecord, landed: Landed): Promise<void> {
    const { block, blockHash } = landed;
    const now = mine().find(({ epoch }) => epoch === record.epoch)!;
    const commitEpoch = now.sending!.form === 'set' ? undefined : await commitEpochOf(now, landed);
    await book.write(record, {
      step: 'included',
      block,
      blockHash: toHex(blockHash),
      ...(commitEpoch === undefined ? {} : { commitEpoch }),
    });
  }

  /** The chain tags a commit with its own count of epochs, which may be one ahead of the block's. */
  async function commitEpochOf({ sending }: WeightsRecord, { blockHash }: Landed): Promise<number> {
    const pending = await reader.pendingCommits(netuid, self, blockHash, mechanism);
    const own = pending.find(({ hash }) => toHex(hash) === sending!.commit);
    if (own) return own.epoch;
    // landed by `resend` alone, which proves success and not what is stored; the epoch of that block then
    return (await reader.subnet(netuid, blockHash, mechanism)).epochIndex;
  }

  return {
    step,
    get isUnfinished() {
      return unfinished().length > 0;
    },
  };
}

const turningInCircles = (epoch: number): AssayError<'internal'> =>
  new AssayError('internal', `weights of epoch ${epoch}: no end after ${MAX_MOVES} moves`, {
    what: `steps of the weights of epoch ${epoch}`,
  });

const blocksOf = ({ included, revealed }: WeightsRecord): number[] =>
  [included, revealed].flatMap((at) => (at ? [at.block] : []));

/** The longest signature that is dead when the epoch is over: it could otherwise land in the next. */
function eraFor(blocksLeft: number): number {
  let era = MIN_ERA;
  while (era * 2 <= Math.min(blocksLeft, MAX_ERA)) era *= 2;
  return era;
}
