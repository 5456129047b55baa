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
import { fetchFile, type Holder } from '../../rollouts/fetch.js';
import {
  type FollowParts,
  handedIn,
  type OpenWindow,
  timestampOf,
  untilFinal,
  untilHead,
  type WindowRules,
} from '../../rollouts/follow.js';
import { manifestName, type Shelf } from '../../rollouts/shelf.js';
import { BEACON_DELAY_MS } from '../../rollouts/windows.js';
import { encodeEquivocation, provesAgainst } from '../../verification/rollouts/equivocation.js';
import { MAX_MANIFEST_BYTES } from '../../verification/rollouts/limits.js';
import type { SignedManifest } from '../../verification/rollouts/manifest.js';
import { openManifest } from '../../verification/rollouts/manifest.js';
import { type Reading, readManifest } from '../../verification/rollouts/submission.js';
import type { Delivery, RolloutEntry } from './ledger.js';

/** Miners that are asked at once: each may send 64 MiB, so this many are held in memory before they are on the shelf. */
const AT_ONCE = 16;
/** One that sends slowly gives its place to the next, and has another turn while there is time. */
const LEAST_TURN_MS = 2_000;
/** Between two rounds of turns: that part of the time there is, and this at least. */
const PAUSES = 10;
const LEAST_PAUSE_MS = 250;

export interface CollectParts extends FollowParts {
  readonly shelf: Shelf;
  /** Who may have a miner's files, the miner itself first. */
  readonly holdersOf: (miner: Hotkey, subnet: Subnet) => readonly Holder[];
}

export interface CollectRules extends WindowRules, Pick<Reading, 'policy' | 'vocabulary' | 'quota'> {}

export type Collected = Extract<RolloutEntry, { type: 'collected' }>;

/**
 * Waits for D and fetches; resolves when all is here, or when the audit's round is out.
 * @returns undefined when aborted, or when D was over too long ago to have fetched anything in time
 */
export async function collect(
  parts: CollectParts,
  rules: CollectRules,
  open: OpenWindow,
  signal: AbortSignal,
): Promise<Collected | undefined> {
  const { chain, beacon, clock, log } = parts;
  if (!(await untilHead(parts, open.deadlineBlock, signal))) return undefined;
  const roundOf = async (hash: Uint8Array) =>
    beacon.roundFrom((await timestampOf(chain, hash)) + (rules.plan.beaconDelayMs ?? BEACON_DELAY_MS));
  const got = new Map<string, Delivery>();
  const signed = new Map<Hotkey, Seen>();
  // before D is final, so that finality does not cost the time for fetching: a digest is of the same file on every fork
  const early = await handedIn(chain, rules, open);
  const earlyRound = await roundOf(early.hash);
  if (clock.now() >= beacon.timeOf(earlyRound)) {
    log.error('a window was over before its files could be fetched', { window: open.window });
    return undefined;
  }
  await fetchAll(
    parts,
    rules,
    open,
    {
      ...early,
      subnet: await chain.subnet(rules.netuid, early.hash),
      until: beacon.timeOf(earlyRound),
      got,
      signed,
    },
    signal,
  );
  if (!(await untilFinal(parts, open.deadlineBlock, signal))) return undefined;
  const final = await handedIn(chain, rules, open);
  const round = await roundOf(final.hash);
  if (!equals(final.hash, early.hash))
    await fetchAll(
      parts,
      rules,
      open,
      {
        ...final,
        subnet: await chain.subnet(rules.netuid, final.hash),
        until: beacon.timeOf(round),
        got,
        signed,
      },
      signal,
    );
  if (signal.aborted) return undefined;
  const { window, startBlock, deadlineBlock, context } = open;
  const deliveries = [...final.digests].map(([miner, manifest]): Delivery => {
    const proof = signed.get(miner)?.proof;
    if (proof && provesAgainst(proof, { hotkey: fromAddress(miner), window: context }, verifySignature)) {
      log.warn('a miner signed two manifests of one window', { window, miner });
      return { miner, is: 'refused', manifest, reason: 'equivocation', proof };
    }
    return got.get(keyOf(miner, manifest)) ?? { miner, is: 'missing', manifest, what: 'manifest' };
  });
  return { type: 'collected', window, startBlock, deadlineBlock, context, round, deliveries };
}

const keyOf = (miner: Hotkey, digest: Uint8Array): string => `${miner} ${toHex(digest)}`;

/** Of one miner and window: the first manifest, whoever sent it, and what another one beside it proves. */
interface Seen {
  readonly first: SignedManifest;
  readonly proof?: Uint8Array;
}

function see(
  seen: Map<Hotkey, Seen>,
  miner: Hotkey,
  { genesis, netuid, window }: WindowContext,
  signed: SignedManifest,
): void {
  const { manifest } = signed;
  const isOfWindow =
    equals(manifest.hotkey, fromAddress(miner)) &&
    equals(manifest.genesis, genesis) &&
    manifest.netuid === netuid &&
    manifest.window === window;
  if (!isOfWindow) return;
  const known = seen.get(miner);
  if (!known) seen.set(miner, { first: signed });
  else if (!known.proof && !equals(known.first.digest, signed.digest))
    seen.set(miner, { ...known, proof: encodeEquivocation(known.first, signed) });
}

interface Order {
  readonly digests: ReadonlyMap<Hotkey, Uint8Array>;
  /** as of D: axons may have moved since S */
  readonly subnet: Subnet;
  /** unix ms */
  readonly until: number;
  /** what there is of each, by miner and digest; filled */
  readonly got: Map<string, Delivery>;
  /** filled */
  readonly signed: Map<Hotkey, Seen>;
}

/** Turns, until all is here or the time is over: whoever is slow, or lies, costs a turn and not the window. */
async function fetchAll(
  parts: CollectParts,
  rules: CollectRules,
  open: OpenWindow,
  { digests, subnet, until, got, signed }: Order,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = parts;
  let left = [...digests].filter(([miner, digest]) => !isOver(got.get(keyOf(miner, digest))));
  while (left.length > 0 && clock.now() < until && !signal.aborted) {
    const turnMs = Math.max(
      LEAST_TURN_MS,
      ((until - clock.now()) * AT_ONCE) / (2 * Math.max(left.length, AT_ONCE)),
    );
    const queue = left.values();
    const worker = async () => {
      for (const [miner, digest] of queue) {
        if (clock.now() >= until || signal.aborted) return;
        const turn = childOf(signal);
        const inner = turn.signal;
        const over = clock.sleep(Math.min(turnMs, until - clock.now()), inner).then(() => turn.abort());
        const delivery = await fetchOne(
          parts,
          rules,
          open,
          { miner, digest, subnet, seen: signed },
          inner,
        ).catch((error: unknown) => {
          parts.log.error('a delivery could not be kept', { miner, error });
          return undefined;
        });
        turn.abort();
        await over;
        if (delivery && clock.now() < until) got.set(keyOf(miner, digest), delivery);
      }
    };
    const begun = clock.now();
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, worker));
    left = left.filter(([miner, digest]) => !isOver(got.get(keyOf(miner, digest))));
    // all said no at once: others may have it in a while, and nobody is asked a thousand times
    const pauseMs = Math.max(LEAST_PAUSE_MS, (until - begun) / PAUSES);
    const tookMs = clock.now() - begun;
    if (left.length > 0 && tookMs < pauseMs)
      await clock.sleep(Math.min(pauseMs - tookMs, until - clock.now()), signal);
  }
}

const isOver = (delivery: Delivery | undefined): boolean =>
  delivery?.is === 'complete' || delivery?.is === 'refused';

async function fetchOne(
  { shelf, log, holdersOf }: CollectParts,
  rules: CollectRules,
  { window, context }: OpenWindow,
  {
    miner,
    digest,
    subnet,
    seen,
  }: {
    readonly miner: Hotkey;
    readonly digest: Uint8Array;
    readonly subnet: Subnet;
    readonly seen: Map<Hotkey, Seen>;
  },
  signal: AbortSignal,
): Promise<Delivery> {
  const holders = holdersOf(miner, subnet);
  let signed: SignedManifest | undefined;
  const isIt = (bytes: Uint8Array) => {
    const opened = openManifest(bytes, verifySignature);
    if (opened.kind === 'ok') see(seen, miner, context, opened.value);
    if (opened.kind === 'ok' && equals(opened.value.digest, digest)) signed = opened.value;
    return signed !== undefined;
  };
  const wanted = { digest: manifestName(digest), maxBytes: MAX_MANIFEST_BYTES, isIt };
  const bytes = await fetchFile({ log }, { wanted, holders }, signal);
  if (!bytes) return { miner, is: 'missing', manifest: digest, what: 'manifest' };
  const { policy, vocabulary, quota } = rules;
  const reading = {
    window: context,
    policy,
    hotkey: fromAddress(miner),
    committed: digest,
    vocabulary,
    quota,
  };
  const read = readManifest(bytes, reading, verifySignature);
  if (read.kind === 'refused') return { miner, is: 'refused', manifest: digest, reason: read.reason };
  const { fileSha256, fileBytes } = read.value.manifest;
  const known = await shelf.read(fileSha256);
  // a file of another miner's or window's may have this digest, and never the length of a manifest that lies about it
  const file =
    known?.length === fileBytes && equals(sha256(known), fileSha256)
      ? known
      : await fetchFile(
          { log },
          { wanted: { digest: fileSha256, bytes: fileBytes, maxBytes: fileBytes }, holders },
          signal,
        );
  if (!file) return { miner, is: 'missing', manifest: digest, what: 'file' };
  await shelf.put(window, file, fileSha256);
  await shelf.put(window, bytes, manifestName(digest));
  return { miner, is: 'complete', manifest: digest, file: fileSha256 };
}
