// Owns: an epoch's scores to a row on the chain, exactly once, whatever dies meanwhile: taking the steps that decide.ts
// names and writing each down. Does not own: the scores (scoring), the row's form (chain/weights).
import type {
  ChainReader,
  ChainWriter,
  Head,
  Landed,
  SendOptions,
  Signed,
  Subnet,
  WeightRow,
} from '../../chain/chain.js';
import { commitHash, storageIndex } from '../../chain/codec/weight-commits.js';
import { sealRow } from '../../chain/sealed-weights.js';
import { alreadySetThisEpoch, toWeightRow } from '../../chain/weights.js';
import type { Keypair } from '../../keys/keypair.js';
import { toHex } from '../../model/bytes.js';
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
  readonly random: Random;
  readonly log: Log;
}

/** What a step found or did, for the log, the status and whoever must be told. */
export type Progress = { readonly epoch: number } & (
  | { readonly is: 'sent' | 'revealed' | 'applied'; readonly block: number; readonly row: WeightRow }
  | { readonly is: 'waiting' | 'refused'; readonly reason: string; readonly atBlock?: number }
  | { readonly is: 'already-set' }
  | { readonly is: 'nobody-scored' }
  /** there is nothing to say: what is on the chain stays */
  | { readonly is: 'nothing-judged' }
  | { readonly is: 'failed'; readonly reason: Failure }
);

export interface Due {
  /** the chain's epoch index that was scored: its weights must not be taken for the next one's */
  readonly epoch: number;
  /** what each hotkey is paid, the owner with what is burned; undefined where there is nothing to say */
  readonly scores: (subnet: Subnet) => Promise<ReadonlyMap<Hotkey, number> | undefined>;
}

/** Told of each thing in its turn; the next step waits for it. */
export type Tell = (progress: Progress) => Promise<void> | void;

export interface Publisher {
  /**
   * One look at the chain, and all steps that it allows. To be called at every head; never twice at once.
   * @param due the epoch whose weights are to be set now, if they are
   * @throws AssayError when the chain could not be asked, or of the first epoch that could not be moved on; the others
   *   were, and the next call decides anew
   */
  step(due: Due | undefined, tell: Tell): Promise<void>;
  /** True while something is under way whose end is still to be seen. */
  readonly isUnfinished: boolean;
  /** What is written down of an epoch's weights. */
  recordOf(epoch: number): WeightsRecord | undefined;
}

/** Looks and sends that one step may take for one record, or something turns in circles. */
const MAX_MOVES = 8;
/** u16 words of a plain commit's salt: 128 bits. */
const SALT_WORDS = 8;
/** However long a record has to wait, it is looked at again after so many blocks: a tempo or a period may have changed. */
const LOOK_AGAIN_BLOCKS = 25;
/** Owners raise the version key by one, once in five epochs, and a commit is revealed within a hundred. */
const SPARE_KEYS = 1000n;
const MAX_KEY = 2n ** 64n - 1n;

/**
 * The chain looks at a commit's version key when it is revealed, and takes any that is not below its own (subtensor
 * subnets/weights.rs `check_version_key`): with today's, whoever raises it would lose every validator's weights under way.
 */
const lastingKey = (key: bigint): bigint => (key > MAX_KEY - SPARE_KEYS ? MAX_KEY : key + SPARE_KEYS);

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
  const recordOf = (epoch: number) => mine().find((record) => record.epoch === epoch);

  async function step(due: Due | undefined, tell: Tell): Promise<void> {
    const { number: block } = await reader.head();
    const isQuiet = ({ epoch }: WeightsRecord) => block < (quiet.get(epoch) ?? 0);
    const isDue = due !== undefined && recordOf(due.epoch) === undefined;
    if (!isDue && unfinished().every(isQuiet)) return;
    let failure: unknown;
    // a new epoch's trouble must not cost an older one its reveal, nor the other way round
    if (isDue)
      await begin(due, tell).catch((error: unknown) => {
        if (isAssayError(error, 'unreachable')) throw error;
        failure = error;
      });
    for (const record of unfinished()) {
      if (isQuiet(record)) continue;
      try {
        await moveOn(record.epoch, tell);
      } catch (error) {
        if (isAssayError(error, 'unreachable')) throw error;
        failure ??= error;
      }
    }
    for (const epoch of quiet.keys())
      if (!unfinished().some((record) => record.epoch === epoch)) quiet.delete(epoch);
    if (failure) throw failure;
  }

  async function moveOn(epoch: number, tell: Tell): Promise<void> {
    for (let moves = 0; ; moves++) {
      if (moves === MAX_MOVES) throw turningInCircles(epoch);
      const record = recordOf(epoch)!; // begun, and never taken back
      if (isFinished(record)) return;
      const seen = await look(record);
      const next = decide(record, seen);
      if (next.do === 'fail') {
        // told first: to be told twice is the better of two errors
        await tell({ epoch, is: 'failed', reason: next.reason });
        await fail(record, next.reason);
        return;
      }
      const found = await take(record, next, seen);
      if (found) await tell(found);
      if (next.do === 'wait' || found?.is === 'refused' || found?.is === 'waiting') return;
    }
  }

  /** Everything of one block, so that no two answers contradict each other. */
  async function look(record: WeightsRecord | undefined): Promise<Seen> {
    const [head, finalized] = await Promise.all([reader.head(), reader.finalizedHead()]);
    const subnet = await reader.subnet(netuid, head.hash, mechanism);
    const uid = subnet.neurons.find(({ hotkey }) => hotkey === self)?.uid;
    const blocks = (record ? blocksOf(record) : []).filter((number) => number <= head.number);
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

  async function begin({ epoch, scores }: Due, tell: Tell): Promise<void> {
    const { subnet, uid } = await look(undefined);
    if (subnet.epochIndex !== epoch) return tell({ epoch, is: 'failed', reason: 'epoch-passed' });
    // set already, and not by this book: it is a new one, or another process has this hotkey
    if (uid !== undefined && alreadySetThisEpoch(subnet, uid)) return tell({ epoch, is: 'already-set' });
    const computed = await scores(subnet);
    if (!computed) return tell({ epoch, is: 'nothing-judged' });
    if (![...computed.values()].some((score) => score > 0)) return tell({ epoch, is: 'nobody-scored' });
    await book.write({ netuid, mechanism, epoch }, { step: 'computed', scores: [...computed] });
  }

  async function take(
    record: WeightsRecord,
    next: Exclude<Next, { do: 'fail' }>,
    seen: Seen,
  ): Promise<Progress | undefined> {
    const { epoch } = record;
    const write = (step: Step) => book.write(record, step);
    switch (next.do) {
      case 'wait': {
        const { reason, atBlock } = next;
        if (atBlock !== undefined) quiet.set(epoch, Math.min(atBlock, seen.block + LOOK_AGAIN_BLOCKS));
        return { epoch, is: 'waiting', reason, ...(atBlock === undefined ? {} : { atBlock }) };
      }
      case 'send':
        return send(record, seen);
      case 'resend':
        return settle(record, 'refused', seen, async () => {
          const landed = await writer.resend(record.sending!.signed);
          await include(record, landed);
          return { epoch, is: 'sent', block: landed.block, row: record.sending!.row };
        });
      case 'reveal':
        return reveal(record, seen);
      case 'resend-reveal':
        return settle(record, 'reveal-refused', seen, async () => {
          const { block, blockHash } = await writer.resend(record.reveal!);
          await write({ step: 'revealed', block, blockHash: toHex(blockHash) });
          return { epoch, is: 'revealed', block, row: record.sending!.row };
        });
      case 'retracted':
        await write({ step: 'retracted', block: record.included!.block });
        return undefined;
      case 'reveal-retracted':
        await write({ step: 'reveal-retracted', block: record.revealed!.block });
        return undefined;
      case 'applied':
        await write({ step: 'applied', block: seen.finalized });
        return { epoch, is: 'applied', block: seen.finalized, row: record.sending!.row };
    }
  }

  async function fail(record: WeightsRecord, reason: Failure): Promise<Progress> {
    await book.write(record, { step: 'failed', reason });
    return { epoch: record.epoch, is: 'failed', reason };
  }

  async function send(record: WeightsRecord, seen: Seen): Promise<Progress> {
    const { subnet, block, row: earlier } = seen;
    const { epoch } = record;
    const { row, dropped } = toWeightRow({ scores: new Map(record.scores), subnet, earlier });
    if (row.length === 0) return { epoch, is: 'refused', reason: 'nobody who scored is registered any more' };
    if (dropped.length > 0) log.info('scores of hotkeys that are no longer registered', { epoch, dropped });
    const form: Form = !subnet.commitRevealEnabled
      ? 'set'
      : subnet.timelockVersion === undefined
        ? 'plain'
        : 'timelocked';
    const versionKey = form === 'set' ? subnet.weightsVersionKey : lastingKey(subnet.weightsVersionKey);
    const options = (more: Partial<Sending>): SendOptions =>
      once({
        deathBlock: subnet.nextEpochBlock,
        keep: (signed) =>
          book.write(record, { step: 'submitted', form, row, versionKey, head: block, signed, ...more }),
      });
    return settle(record, 'refused', seen, async () => {
      const landed = await sendAs(form, row, versionKey, subnet, options);
      await include(record, landed);
      return { epoch, is: 'sent', block: landed.block, row };
    });
  }

  async function sendAs(
    form: Form,
    row: WeightRow,
    versionKey: bigint,
    subnet: Subnet,
    options: (more: Partial<Sending>) => SendOptions,
  ): Promise<Landed> {
    if (form === 'set') return writer.setWeights(keypair, netuid, row, versionKey, mechanism, options({}));
    if (form === 'plain') {
      const words = new Uint16Array(parts.random.bytes(2 * SALT_WORDS).slice().buffer);
      const salt = [...words];
      const columns = { uids: row.map(([uid]) => uid), values: row.map(([, value]) => value) };
      const place = storageIndex(netuid, mechanism);
      const hash = commitHash(self, place, { ...columns, salt, versionKey });
      const more = { salt, commit: toHex(hash) };
      return writer.commitWeights(keypair, netuid, hash, mechanism, options(more));
    }
    const [beacon, info] = await Promise.all([reader.beacon(), reader.info()]);
    const { blockTimeMs } = info;
    const to = { subnet, beacon, blockTimeMs, hotkey: self, random: parts.random };
    const { bytes, revealRound, hash } = sealRow({ row, versionKey, ...to });
    const commit = { bytes, revealRound, version: subnet.timelockVersion! };
    const more = { commit: toHex(hash), revealRound };
    return writer.commitTimelockedWeights(keypair, netuid, commit, mechanism, options(more));
  }

  async function reveal(record: WeightsRecord, seen: Seen): Promise<Progress> {
    const { row, versionKey, salt } = record.sending!;
    const options = once({
      deathBlock: seen.subnet.nextEpochBlock,
      keep: (signed) => book.write(record, { step: 'reveal-submitted', signed }),
    });
    return settle(record, 'reveal-refused', seen, async () => {
      const what = { weights: row, salt: salt!, versionKey };
      const { block, blockHash } = await writer.revealWeights(keypair, netuid, what, mechanism, options);
      await book.write(record, { step: 'revealed', block, blockHash: toHex(blockHash) });
      return { epoch: record.epoch, is: 'revealed', block, row };
    });
  }

  /**
   * A refusal is written down where bytes had been signed: the next attempt signs anew. What cannot be found out any more is
   * said; anything else stays undecided.
   */
  async function settle(
    record: WeightsRecord,
    refusal: 'refused' | 'reveal-refused',
    seen: Seen,
    work: () => Promise<Progress>,
  ): Promise<Progress> {
    const { epoch } = record;
    try {
      return await work();
    } catch (error) {
      const { stage, sending, reveal } = recordOf(epoch)!;
      const signed = refusal === 'refused' ? sending?.signed : reveal;
      const isSigned = stage === (refusal === 'refused' ? 'submitted' : 'reveal-submitted');
      if (isAssayError(error, 'chain-rejected')) {
        const reason = error.data.error;
        if (isSigned) await book.write(record, { step: refusal, error: reason, block: seen.block });
        return { epoch, is: 'refused', reason };
      }
      // blocks that the node has forgotten, bytes that no runtime of today decodes
      const isForgotten = isAssayError(error, 'chain-unknown') || isAssayError(error, 'invalid-input');
      if (isForgotten && isSigned && signed && seen.finalized >= signed.deathBlock)
        return fail(record, 'fate-unknown');
      throw error;
    }
  }

  async function include(record: WeightsRecord, landed: Landed): Promise<void> {
    const { block, blockHash } = landed;
    const now = recordOf(record.epoch)!;
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
    recordOf,
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

/**
 * A client that finds the nonce taken signs again, and would have two rows on their way. What took the nonce may have been
 * our own row: that is looked at first.
 */
function once({
  deathBlock,
  keep,
}: {
  readonly deathBlock: number | undefined;
  readonly keep: (signed: Signed) => Promise<void>;
}): SendOptions {
  let isSigned = false;
  return {
    ...(deathBlock === undefined ? {} : { deathBlock }),
    async onSigned(signed) {
      if (isSigned) {
        const call = 'weights';
        throw new AssayError('chain-rejected', 'the nonce was taken by another extrinsic', {
          call,
          error: 'NonceTaken',
        });
      }
      isSigned = true;
      await keep(signed);
    },
  };
}
