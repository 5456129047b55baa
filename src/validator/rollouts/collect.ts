// Owns: having what was handed in, all of it, before the round of its audit is known. Does not own: who handed in what
// (rollouts/follow.ts), what is in it (verification/rollouts), judging it.
import type { Subnet } from '../../chain/chain.js';
import type { WindowContext } from '../../inference/spec/window.js';
import { verifySignature } from '../../keys/keypair.js';
import { fromAddress } from '../../keys/ss58.js';
import { childOf } from '../../model/abort.js';
import { equals, toHex } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import type { Hotkey } from '../../model/ids.js';
import { createDownload, type Download, type Holder } from '../../rollouts/fetch.js';
import {
  type FollowParts,
  type HandedIn,
  handedIn,
  type OpenWindow,
  persist,
  timestampOf,
  untilFinal,
  untilHead,
  type WindowRules,
} from '../../rollouts/follow.js';
import { manifestName, type Shelf } from '../../rollouts/shelf.js';
import { BEACON_DELAY_MS } from '../../rollouts/windows.js';
import { encodeEquivocation, provesAgainst } from '../../verification/rollouts/equivocation.js';
import { MAX_MANIFEST_BYTES } from '../../verification/rollouts/limits.js';
import { openManifest, type SignedManifest } from '../../verification/rollouts/manifest.js';
import { type Reading, readManifest } from '../../verification/rollouts/submission.js';
import type { Delivery, RolloutEntry } from './ledger.js';

/** Miners that are asked at once: each sends at most what a quota can take, and so much of each is in memory before it is on the shelf. */
const AT_ONCE = 16;
/** One that sends slowly gives its place to the next, and has another turn while there is time. */
const LEAST_TURN_MS = 2_000;
/** Between two rounds of turns: that part of the time there is, and this at least. */
const PAUSES = 10;
const LEAST_PAUSE_MS = 250;
/** Pieces that are kept from turn to turn, over all miners; beyond it those who sent the least in their last turn begin anew. */
const KEPT_BYTES = 512 * 2 ** 20;
/**
 * Fetching ends so long before the audit's round: what came must be written down before anybody can know the round, also where our
 * clock is behind the beacon's by a second or two. Of a plan with shorter waits than a live chain's, that part of the wait.
 */
const WRITE_DOWN_MS = 5_000;
const WRITE_DOWN_PART = 12;

export interface CollectParts extends FollowParts {
  readonly shelf: Shelf;
  /** Who may have a miner's files, the miner itself first. */
  readonly holdersOf: (miner: Hotkey, subnet: Subnet) => readonly Holder[];
}

export interface CollectRules extends WindowRules, Pick<Reading, 'policy' | 'vocabulary' | 'quota'> {}

export type Collected = Extract<RolloutEntry, { type: 'collected' }>;
export type Lapsed = Extract<RolloutEntry, { type: 'lapsed' }>;

export const beaconDelayOf = ({ plan }: Pick<WindowRules, 'plan'>): number =>
  plan.beaconDelayMs ?? BEACON_DELAY_MS;

/**
 * Waits for D and fetches; resolves when all is here, or shortly before the audit's round is out.
 * @returns undefined when aborted
 * @throws what the chain failed with until the audit's round was out
 */
export async function collect(
  parts: CollectParts,
  rules: CollectRules,
  open: OpenWindow,
  signal: AbortSignal,
): Promise<Collected | Lapsed | undefined> {
  const { clock, log } = parts;
  const { window, startBlock, deadlineBlock, context } = open;
  if (!(await untilHead(parts, deadlineBlock, signal))) return undefined;
  const read = (until: number) =>
    persist(parts, { what: 'what was handed in', until }, () => readDeadline(parts, rules, open), signal);
  const jobs = new Map<string, Job>();
  // before D is final, so that finality does not cost the time for fetching: a digest is of the same file on every fork
  const early = await read(clock.now() + beaconDelayOf(rules));
  if (clock.now() >= early.until)
    return { type: 'lapsed', window, why: 'it was over before its files could be fetched' };
  await fetchAll(parts, rules, open, early, jobs, signal);
  if (!(await untilFinal(parts, deadlineBlock, signal))) return undefined;
  const final = await read(early.auditMs);
  if (!equals(final.hash, early.hash)) await fetchAll(parts, rules, open, final, jobs, signal);
  if (signal.aborted) return undefined;
  const deliveries = [...final.digests].map(([miner, manifest]): Delivery => {
    const proof = proofAgainst(jobs, miner, context);
    if (proof) {
      log.warn('a miner signed two manifests of one window', { window, miner });
      return { miner, is: 'refused', manifest, reason: 'equivocation', proof };
    }
    return jobs.get(keyOf(miner, manifest))?.delivery ?? { miner, is: 'missing', manifest, what: 'manifest' };
  });
  return {
    type: 'collected',
    window,
    startBlock,
    deadlineBlock,
    context,
    round: final.round,
    deliveries,
  };
}

interface Deadline extends HandedIn {
  /** as of D: axons may have moved since S */
  readonly subnet: Subnet;
  readonly round: bigint;
  /** unix ms at which the round is out, and at which fetching ends */
  readonly auditMs: number;
  readonly until: number;
}

async function readDeadline(
  { chain, beacon }: CollectParts,
  rules: CollectRules,
  open: OpenWindow,
): Promise<Deadline> {
  const found = await handedIn(chain, rules, open);
  const [subnet, time] = await Promise.all([
    chain.subnet(rules.netuid, found.hash),
    timestampOf(chain, found.hash),
  ]);
  const delayMs = beaconDelayOf(rules);
  const round = beacon.roundFrom(time + delayMs);
  const auditMs = beacon.timeOf(round);
  return {
    ...found,
    subnet,
    round,
    auditMs,
    until: auditMs - Math.min(WRITE_DOWN_MS, delayMs / WRITE_DOWN_PART),
  };
}

const keyOf = (miner: Hotkey, digest: Uint8Array): string => `${miner} ${toHex(digest)}`;

/** One miner's files on their way, from turn to turn. */
interface Job {
  readonly miner: Hotkey;
  readonly digest: Uint8Array;
  readonly manifest: Download;
  /** when the manifest is here, and names a file that we do not have */
  file?: Download;
  /** manifests of this window that the miner signed, whoever sent them: two are a proof */
  readonly shown: Map<string, SignedManifest>;
  signed?: SignedManifest;
  delivery: Delivery;
  /** bytes that came in its last turn; before the first one it goes before all others */
  lately: number;
}

function createJob(parts: CollectParts, { context }: OpenWindow, miner: Hotkey, digest: Uint8Array): Job {
  const shown = new Map<string, SignedManifest>();
  const isIt = (bytes: Uint8Array): boolean => {
    const opened = openManifest(bytes, verifySignature);
    if (opened.kind === 'refused') return false;
    if (shown.size < 2 && isOfWindow(opened.value, miner, context))
      shown.set(toHex(opened.value.digest), opened.value);
    if (!equals(opened.value.digest, digest)) return false;
    job.signed = opened.value;
    return true;
  };
  const job: Job = {
    miner,
    digest,
    manifest: createDownload(parts, { name: manifestName(digest), maxBytes: MAX_MANIFEST_BYTES, isIt }),
    shown,
    delivery: { miner, is: 'missing', manifest: digest, what: 'manifest' },
    lately: Number.POSITIVE_INFINITY,
  };
  return job;
}

const isOfWindow = (
  { manifest }: SignedManifest,
  miner: Hotkey,
  { genesis, netuid, window }: WindowContext,
): boolean =>
  equals(manifest.hotkey, fromAddress(miner)) &&
  equals(manifest.genesis, genesis) &&
  manifest.netuid === netuid &&
  manifest.window === window;

function proofAgainst(
  jobs: ReadonlyMap<string, Job>,
  miner: Hotkey,
  context: WindowContext,
): Uint8Array | undefined {
  const shown = new Map(
    [...jobs.values()].filter((job) => job.miner === miner).flatMap((job) => [...job.shown]),
  );
  const [first, second] = shown.values();
  if (!first || !second) return undefined;
  const proof = encodeEquivocation(first, second);
  const isProof = provesAgainst(proof, { hotkey: fromAddress(miner), window: context }, verifySignature);
  return isProof ? proof : undefined;
}

const isOver = ({ delivery: { is } }: Job): boolean => is === 'complete' || is === 'refused';

/** Turns, until all is here or the time is over: whoever is slow, or lies, costs a turn and not the window. */
async function fetchAll(
  parts: CollectParts,
  rules: CollectRules,
  open: OpenWindow,
  { digests, subnet, until }: Deadline,
  jobs: Map<string, Job>,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = parts;
  const own = [...digests].map(([miner, digest]) => {
    const key = keyOf(miner, digest);
    const job = jobs.get(key) ?? createJob(parts, open, miner, digest);
    jobs.set(key, job);
    return job;
  });
  for (;;) {
    // who delivers goes before who keeps us waiting
    const left = own.filter((job) => !isOver(job)).sort(byDelivery);
    const begun = clock.now();
    if (left.length === 0 || begun >= until || signal.aborted) break;
    const turnMs = Math.max(
      LEAST_TURN_MS,
      ((until - begun) * AT_ONCE) / (2 * Math.max(left.length, AT_ONCE)),
    );
    const queue = left.values();
    const worker = async () => {
      for (const job of queue) {
        if (clock.now() >= until || signal.aborted) return;
        const turn = childOf(signal);
        const over = clock.sleep(Math.min(turnMs, until - clock.now()), turn.signal).then(() => turn.abort());
        const before = cameOf(job);
        await fetchOne(parts, rules, open, { job, subnet }, turn.signal);
        turn.abort();
        await over;
        job.lately = cameOf(job) - before;
        keepWithin(KEPT_BYTES, own);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, worker));
    // all said no at once: others may have it in a while, and nobody is asked a thousand times
    const pauseMs = Math.max(LEAST_PAUSE_MS, (until - begun) / PAUSES);
    const tookMs = clock.now() - begun;
    if (!own.every(isOver) && tookMs < pauseMs)
      await clock.sleep(Math.min(pauseMs - tookMs, until - clock.now()), signal);
  }
  for (const job of own) letGo(job);
}

/** No difference: two that had no turn yet are as good as each other. */
const byDelivery = (a: Job, b: Job): number => (a.lately === b.lately ? 0 : a.lately > b.lately ? -1 : 1);

const cameOf = ({ manifest, file }: Job): number => manifest.cameBytes() + (file?.cameBytes() ?? 0);

function letGo({ manifest, file }: Job): void {
  manifest.drop();
  file?.drop();
}

/** Manifests are not worth counting. */
function keepWithin(maxBytes: number, jobs: readonly Job[]): void {
  const held = jobs.filter(({ file }) => file && file.heldBytes() > 0).sort(byDelivery);
  let total = 0;
  for (const { file } of held) {
    total += file!.heldBytes(); // filtered by it
    if (total > maxBytes) file!.drop();
  }
}

/** One turn. A disk of ours that does not keep what came is no fault of the miner's, whose pieces are kept for the next turn. */
async function fetchOne(
  parts: CollectParts,
  rules: CollectRules,
  open: OpenWindow,
  { job, subnet }: { readonly job: Job; readonly subnet: Subnet },
  signal: AbortSignal,
): Promise<void> {
  const { miner, digest: manifest } = job;
  try {
    const delivery = await deliver(parts, rules, open, { job, subnet }, signal);
    // what a disk of ours did not keep in an earlier turn was here: that it is not sent twice is nobody's fault but ours
    if (delivery.is !== 'missing' || job.delivery.is !== 'ours') job.delivery = delivery;
    if (isOver(job)) letGo(job);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (job.delivery.is !== 'ours')
      parts.log.error('what a miner handed in cannot be kept here', { window: open.window, miner, error });
    job.delivery = { miner, is: 'ours', manifest, why };
  }
}

async function deliver(
  { shelf, log, holdersOf }: CollectParts,
  rules: CollectRules,
  { window, context }: OpenWindow,
  { job, subnet }: { readonly job: Job; readonly subnet: Subnet },
  signal: AbortSignal,
): Promise<Delivery> {
  const { miner, digest } = job;
  const holders = holdersOf(miner, subnet);
  if (!job.signed) await job.manifest.from(holders, signal);
  const { signed } = job;
  if (!signed) return { miner, is: 'missing', manifest: digest, what: 'manifest' };
  const { policy, vocabulary, quota } = rules;
  const hotkey = fromAddress(miner);
  const reading = { window: context, policy, hotkey, committed: digest, vocabulary, quota };
  const read = readManifest(signed.bytes, reading, verifySignature);
  if (read.kind === 'refused') return { miner, is: 'refused', manifest: digest, reason: read.reason };
  const { fileSha256, fileBytes } = signed.manifest;
  const known = await shelf.read(fileSha256).catch((error: unknown) => {
    log.error('a file that was on the shelf cannot be read', { window, file: toHex(fileSha256), error });
    return undefined;
  });
  // a file of another miner's or window's may have this digest, and never the length of a manifest that lies about it
  const isKnown = known?.length === fileBytes && equals(sha256(known), fileSha256);
  job.file ??= createDownload({ log }, { name: fileSha256, bytes: fileBytes, maxBytes: fileBytes });
  const file = isKnown ? known : await job.file.from(holders, signal);
  if (!file) return { miner, is: 'missing', manifest: digest, what: 'file' };
  await shelf.put(window, file, fileSha256);
  await shelf.put(window, signed.bytes, manifestName(digest));
  return { miner, is: 'complete', manifest: digest, file: fileSha256 };
}
