// Owns: judging a stored session again, from stored bytes and the stored parameter set alone.
// Does not own: what holds a signature chain together (protocol), what content is worth (verification).
import { fromBinary } from '@bufbuild/protobuf';
import { fromAddress } from '../../keys/ss58.js';
import { equals, fromHex, toHex } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import { creditShare, NO_CREDIT } from '../../model/credit.js';
import { AssayError, isAssayError, unsupported } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import type { Hotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import type { Random } from '../../model/prng.js';
import {
  inconclusive,
  isDeclined,
  type Rejection,
  rejected,
  type Verdict,
  verdictToString,
} from '../../model/verdict.js';
import { type Commit, type Frame, FrameSchema } from '../../protocol/gen/assay/v1/miner_pb.js';
import { SESSION_LIMITS } from '../../protocol/limits.js';
import { readMaintenance, verifyMaintenance } from '../../protocol/maintenance.js';
import type { ParamsFacts, Phase, ProofKind } from '../../verification/proof.js';
import {
  eventId,
  nonceCommitment,
  passCommitment,
  passSeed,
  slotPlace,
  slotSeed,
} from '../../verification/seed.js';
import type { ProofKinds } from '../assign.js';
import { isCap, isNonceSet, isOverdue, isPiece, isSameSet } from '../dispatch.js';
import { faultOf } from '../reach.js';
import { type Verifiers, verifyHere } from '../verifiers.js';
import type { CommitRecord, SessionRecord, StoredFrame } from './entries.js';
import type { LedgerReader } from './ledger.js';

/** Proves that `signer` sent these frames to `peer` in one session, in this order, or throws an AssayError (protocol/evidence.ts). */
export type VerifyChain = (chain: {
  certificate: Uint8Array;
  frames: readonly { header: Uint8Array; signature: Uint8Array; body: Uint8Array }[];
  expect: { signer: Hotkey; peer: Hotkey; netuid: number };
}) => { readonly headers: readonly { readonly callId: Uint8Array }[] };

export interface ReplayParts {
  readonly ledger: Pick<LedgerReader, 'find' | 'readOpening' | 'readParams'>;
  readonly kinds: ProofKinds;
  /** for fresh projections: those of the event never left the process that drew them */
  readonly random: Random;
  readonly verifyChain: VerifyChain;
  /** Where content is verified again: `poison` only on threads, or whoever asks would not survive it. @default this thread */
  readonly verifiers?: Verifiers | undefined;
}

export interface ReplayCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface Replay {
  readonly id: string;
  /** what the stored bytes say now; never read from the journal */
  readonly verdict: Verdict;
  /** the verdict is the one recorded, and every check holds */
  readonly agrees: boolean;
  readonly checks: readonly ReplayCheck[];
}

/**
 * @param id an outcome's id or the beginning of no other
 * @throws AssayError `evidence-expired` when the opening's bytes are gone and the verdict hangs on them; `unsupported` for
 * an inconclusive outcome that rests on a fault of ours and not on evidence, an unknown kind, parameters that this build does not read, and `poison` without threads; `corrupt` when the ledger
 * does not parse; `invalid-input` when no outcome or several match
 */
export async function replayOutcome(parts: ReplayParts, id: string): Promise<Replay> {
  const { outcome, session } = await parts.ledger.find(id);
  if (isDeclined(outcome.verdict)) return replayDeclined(parts, outcome, session);
  if (outcome.verdict.kind === 'inconclusive')
    throw unsupported(
      `replay of ${outcome.id}`,
      'it was inconclusive: that rests on a fault of our own, not on evidence',
    );
  if (verdictToString(outcome.verdict) === 'rejected:poison' && !parts.verifiers)
    throw unsupported(
      `replay of ${outcome.id}`,
      'its evidence ends whoever verifies it: it takes verifier threads',
    );
  const kind = Object.hasOwn(parts.kinds, outcome.kind) ? parts.kinds[outcome.kind] : undefined;
  if (!kind) throw unsupported(`replay of ${outcome.id}`, `proof kind ${outcome.kind} is not known here`);
  const params = readBy(kind, await parts.ledger.readParams(outcome.paramsId), outcome.id);

  const facts = kind.facts(params);
  const hasOpening = session.frames.some((frame) => frame.kind === 'opening');
  const stored = hasOpening ? await parts.ledger.readOpening(outcome.id) : new Uint8Array();

  const checks: ReplayCheck[] = [];
  const check = (name: string, problem: string | undefined) =>
    checks.push({ name, ok: problem === undefined, detail: problem ?? 'holds' });

  const frames = restore(session.frames, stored);
  check('opening bytes', openingProblem(session.frames, stored));
  check('signatures', signatureProblem(parts.verifyChain, outcome, session, frames));
  check('challenge', challengeProblem(outcome, session, frames));

  const { end, commits, request, opening } = walk(session, frames, {
    facts,
    limits: kind.limits(params),
    areCommits: (bodies) => kind.credit(params, bodies) !== undefined,
  });
  const bodies = commits.map(({ body }) => body);
  check('digests', digestProblem(session, commits, { request, opening }));
  check('times', timesProblem(outcome, session, facts, commits));

  let verdict = end;
  const [first, last] = [commits[0], commits.at(-1)];
  if (!verdict && first && last && session.beacon) {
    const { basis, beacon, worker } = session;
    const hotkey = fromAddress(outcome.miner);
    const seed = slotSeed({
      beacon,
      nonces: first.nonces,
      hotkey,
      worker,
      slot: outcome.slot,
      eventId: eventId({ netuid: outcome.netuid, block: outcome.eventBlock, basis }),
      paramsId: fromHex(outcome.paramsId),
    });
    const sameSeed = session.seed !== undefined && equals(seed, session.seed);
    check('seed', sameSeed ? undefined : 'not the seed that beacon, nonces, hotkey, worker and slot give');
    const pass = session.pass?.beacon && passSeed({ seed, beacon: session.pass.beacon, nonces: last.nonces });
    const verifier = (parts.verifiers ?? verifyHere).forEvent({ basis, random: parts.random });
    try {
      const answer = await verifier.verify({
        kind,
        paramsId: outcome.paramsId,
        challenge: {
          params,
          basis,
          seed,
          place: slotPlace({ hotkey, worker, slot: outcome.slot }),
          brief: briefOf(frames),
        },
        evidence: {
          commits: bodies,
          pass,
          request: request ?? new Uint8Array(),
          opening: opening ?? new Uint8Array(),
        },
        from: outcome.miner,
      });
      verdict = answer.verdict;
    } finally {
      verifier.close();
    }
  }
  verdict ??= rejected('window'); // a complete session without a beacon: the challenge check has failed

  const credit = (verdict.kind === 'accepted' && kind.credit(params, bodies)) || NO_CREDIT;
  // what others of a round show of this slot is not in its own session: only what is can be made again
  const isWhole = !kind.round || verdict.kind !== 'accepted';
  const recorded = isWhole
    ? outcome.credit
    : Object.fromEntries(Object.entries(outcome.credit).filter(([name]) => Object.hasOwn(credit, name)));
  const share = creditShare(isWhole ? credit : outcome.credit, facts.nominal);
  check('credit', creditProblem({ credit: recorded, share: outcome.share }, { credit, share }));
  const same = verdictToString(verdict) === verdictToString(outcome.verdict);
  check('verdict', same ? undefined : 'the journal has another one');
  return { id: outcome.id, verdict, agrees: checks.every(({ ok }) => ok), checks };
}

/** What the miner said itself, in its signature: that is all there is to judge. */
function replayDeclined(
  { verifyChain }: ReplayParts,
  outcome: Outcome,
  session: SessionRecord<StoredFrame>,
): Replay {
  const checks: ReplayCheck[] = [];
  const check = (name: string, problem: string | undefined) =>
    checks.push({ name, ok: problem === undefined, detail: problem ?? 'holds' });
  const frames = restore(session.frames, new Uint8Array());
  check('signatures', signatureProblem(verifyChain, outcome, session, frames));
  check('challenge', challengeProblem(outcome, session, frames));
  if (session.declared) check('declaration', declarationProblem(outcome, session, session.declared));
  const [first] = frames.filter(({ stored }) => stored.from === 'miner');
  const refused = isCap(first?.message, outcome) ? inconclusive('capped') : rejected('window');
  const verdict = session.declared ? inconclusive('maintenance') : refused;
  const same = verdictToString(verdict) === verdictToString(outcome.verdict);
  check('verdict', same ? undefined : 'the journal has another one');
  const wasGone = frames.some(({ stored }) => stored.from === 'validator' && stored.kind === 'go');
  check('nothing drawn', wasGone ? 'its Go was sent' : undefined);
  return { id: outcome.id, verdict, agrees: checks.every(({ ok }) => ok), checks };
}

/** Whether the hotkey said so; that it said so in time, and no more than is allowed, is in the ledger's entries before it. */
function declarationProblem(
  { miner, netuid, eventBlock }: Outcome,
  { worker }: SessionRecord<StoredFrame>,
  declared: Uint8Array,
): string | undefined {
  try {
    const { genesis } = readMaintenance(declared);
    const said = verifyMaintenance(declared, { genesis, netuid, hotkey: fromAddress(miner) });
    if (said.workers.length > 0 && !said.workers.includes(worker)) return 'it is of other workers';
    // it may have been ended earlier since: then what was counted ends later than this statement
    return said.fromBlock <= eventBlock ? undefined : 'it begins later';
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    return error.message;
  }
}

/** A stored frame with its bytes back; `message` is undefined when they are no Frame. */
interface Restored {
  readonly stored: StoredFrame;
  readonly signed: { readonly header: Uint8Array; readonly signature: Uint8Array; readonly body: Uint8Array };
  readonly message: Frame['body'] | undefined;
}

function restore(frames: readonly StoredFrame[], opening: Uint8Array): Restored[] {
  let at = 0;
  return frames.map((stored) => {
    let body = stored.body;
    if (!(body instanceof Uint8Array)) {
      at += body.bytes;
      body = opening.subarray(at - body.bytes, at);
    }
    const { header, signature } = stored;
    return { stored, signed: { header, signature, body }, message: decode(body) };
  });
}

function decode(body: Uint8Array): Frame['body'] | undefined {
  try {
    return fromBinary(FrameSchema, body).body;
  } catch {
    return undefined;
  }
}

function openingProblem(frames: readonly StoredFrame[], opening: Uint8Array): string | undefined {
  let at = 0;
  for (const { body } of frames) {
    if (body instanceof Uint8Array) continue;
    const piece = opening.subarray(at, at + body.bytes);
    if (!equals(sha256(piece), body.digest)) return `the piece at byte ${at} is not the one recorded`;
    at += body.bytes;
  }
  return at === opening.length ? undefined : `${opening.length} bytes kept, ${at} recorded`;
}

function signatureProblem(
  verifyChain: VerifyChain,
  { validator, miner, netuid }: Outcome,
  { certificates }: SessionRecord<StoredFrame>,
  frames: readonly Restored[],
): string | undefined {
  const calls = new Set<string>();
  for (const from of ['validator', 'miner'] as const) {
    const certificate = certificates[from];
    const signed = frames.filter(({ stored }) => stored.from === from).map((frame) => frame.signed);
    if (signed.length === 0) continue;
    if (!certificate) return `no certificate of the ${from}'s session key`;
    const [signer, peer] = from === 'validator' ? [validator, miner] : [miner, validator];
    try {
      const { headers } = verifyChain({ certificate, frames: signed, expect: { signer, peer, netuid } });
      for (const { callId } of headers) calls.add(toHex(callId));
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      return `the ${from}'s frames: ${error.message}`;
    }
  }
  return calls.size <= 1 ? undefined : 'the frames are of more than one session';
}

/** What we asked, as we signed it, is what the outcome says we asked. */
function challengeProblem(
  outcome: Outcome,
  session: SessionRecord<StoredFrame>,
  frames: readonly Restored[],
): string | undefined {
  const { basis, beacon, nonce, salt, pass } = session;
  const id = eventId({ netuid: outcome.netuid, block: outcome.eventBlock, basis });
  if (toHex(id) !== outcome.event) return 'the event is not the one of this subnet, block and basis';
  for (const { stored, message } of frames) {
    if (message?.case !== stored.kind) return `a frame recorded as ${stored.kind} is none`;
    if (stored.from !== 'validator') continue; // a miner may send what only we may: that is no challenge
    if (message.case === 'arm') {
      const { value } = message;
      const same =
        equals(value.eventId, id) &&
        value.eventBlock === BigInt(outcome.eventBlock) &&
        value.slot === outcome.slot &&
        value.kind === outcome.kind &&
        toHex(value.paramsId) === outcome.paramsId &&
        equals(value.basis, basis);
      if (!same) return 'Arm names another event, slot, kind or parameter set';
      if (!equals(value.nonceCommitment, nonceCommitment(nonce, salt))) return 'Arm commits to another nonce';
      const ofPass = pass ? passCommitment(pass.nonce, pass.salt) : new Uint8Array();
      if (!equals(value.passCommitment, ofPass)) return 'Arm commits to another nonce of the Pass';
    }
    if (message.case === 'pass') {
      const { value } = message;
      if (!pass || !equals(value.nonce, pass.nonce) || !equals(value.salt, pass.salt))
        return 'Pass reveals another nonce';
      if (!pass.beacon || !equals(value.beacon, pass.beacon)) return 'Pass names another beacon';
    }
    if (message.case === 'go') {
      const { value } = message;
      if (!equals(value.nonce, nonce) || !equals(value.salt, salt)) return 'Go reveals another nonce';
      if (!beacon || !equals(value.beacon, beacon)) return 'Go names another beacon';
    }
  }
  return undefined;
}

function digestProblem(
  { digests, commits: recorded }: SessionRecord<StoredFrame>,
  commits: readonly Commit[],
  bodies: Record<'request' | 'opening', Uint8Array | undefined>,
): string | undefined {
  const sameCommits =
    recorded.length === commits.length &&
    commits.every(({ body }, i) => equals(sha256(body), recorded[i]!.digest));
  if (!sameCommits) return 'the commits are not those recorded';
  for (const name of ['request', 'opening'] as const) {
    const [digest, body] = [digests[name], bodies[name]];
    if (name === 'opening' && !body) continue; // incomplete: its pieces have digests of their own
    const same = digest && body ? equals(sha256(body), digest) : digest === body;
    if (!same) return `the ${name} is not the one recorded`;
  }
  return undefined;
}

function creditProblem(recorded: object, due: object): string | undefined {
  const text = canonicalJson(due);
  return canonicalJson(recorded) === text ? undefined : `another was recorded than the ${text} due`;
}

/** Below what any clock resolves; sums of the same stamps differ in their last bits. */
const ROUNDING_MS = 1e-3;

function timesProblem(
  { measuredMs, ownDelayMs }: Outcome,
  { goAtMs, pass, commits: recorded, maxNonces }: SessionRecord<StoredFrame>,
  { phases }: ParamsFacts,
  commits: readonly Commit[],
): string | undefined {
  const [first] = recorded;
  if (measuredMs === undefined) return first ? 'a Commit, but no measured time' : undefined;
  if (goAtMs === undefined || !first) return 'a measured time, but no Go or no Commit';
  if (first.measuredMs !== measuredMs) return `${measuredMs} ms measured, ${first.measuredMs} ms of Commit 0`;
  for (const [i, { nonces, atMs, measuredMs: sinceMs }] of recorded.entries()) {
    const listed = commits[i]?.nonces ?? [];
    if (!isSameSet(nonces, isNonceSet(listed, maxNonces) ? listed : []))
      return `Commit ${i} lists other nonces than recorded`;
    const from = phases[i]?.from === 'pass' ? pass?.atMs : goAtMs;
    const between = atMs - (from ?? Number.NaN);
    if (!(Math.abs(between - sinceMs) <= ROUNDING_MS))
      return `Commit ${i}: ${sinceMs} ms measured, ${between} ms after its frame`;
    if (recorded[i]!.ownDelayMs > ownDelayMs)
      return `Commit ${i}: a longer delay of our own than the session's`;
  }
  return undefined;
}

interface Walked {
  /** undefined: complete, the content decides */
  readonly end: Verdict | undefined;
  /** those that arrived, whether or not they counted */
  readonly commits: readonly Commit[];
  readonly request: Uint8Array | undefined;
  readonly opening: Uint8Array | undefined;
}

/** The rules of dispatch.ts over stored frames and times. */
function walk(
  session: SessionRecord<StoredFrame>,
  frames: readonly Restored[],
  rules: {
    facts: ParamsFacts;
    limits: { readonly commitBytes: number; readonly openingBytes: number };
    areCommits: (bodies: readonly Uint8Array[]) => boolean;
  },
): Walked {
  const { facts, limits } = rules;
  const { phases } = facts;
  const sent = (kind: 'go' | 'pass' | 'open') =>
    frames.find(({ stored }) => stored.from === 'validator' && stored.kind === kind);
  const [, ...heard] = frames.filter(({ stored }) => stored.from === 'miner'); // the first is Ready
  const commits: Commit[] = [];
  const open = sent('open')?.message;
  const request = open?.case === 'open' ? open.value.body : undefined;
  const broken = (reason: 'protocol' | 'malformed', otherwise: 'window' | 'opening-timeout'): Walked =>
    over(session.refused === undefined ? otherwise : reason);
  const over = (reason: Rejection, opening?: Uint8Array): Walked => ({
    end: rejected(reason),
    commits,
    request,
    opening,
  });

  // refused once our Go was on its way, which a refusing peer may have kept from leaving
  const unmet = session.sight && faultOf(session.sight);
  if (unmet && !sent('go') && heard.length === 0 && session.refused === undefined) return over(unmet);
  if (!sent('go')) return broken('protocol', 'window');
  for (const [index, phase] of phases.entries()) {
    const next = heard[index];
    if (phase.from === 'pass' && !sent('pass')) {
      if (!next) return broken('protocol', 'window'); // the miner left, or our Pass could not
      return over(next.stored.kind === 'refusal' ? 'window' : 'protocol'); // nothing was due
    }
    const record = session.commits[index];
    if (next?.message?.case === 'commit' && record) commits.push(next.message.value);
    if (next && isTooLarge(next)) return over('protocol');
    if (commits.length === index) return broken('protocol', 'window');
    const fault = commitFault(index, phase, record!);
    if (fault) return over(fault);
  }
  const later = heard.slice(phases.length);
  // an Open that could not leave, or a frame before it
  if (!request) return later.length > 0 ? over('malformed') : broken('malformed', 'opening-timeout');

  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for (const { message } of later) {
    if (message?.case !== 'opening') return over('malformed');
    const { piece, last, data } = message.value;
    bytes += data.length;
    if (piece !== pieces.length || bytes > limits.openingBytes || !isPiece(data, last))
      return over('malformed');
    pieces.push(data);
    if (!last) continue;
    const opening = Buffer.concat(pieces);
    const { openAtMs = 0, openingAtMs = Number.POSITIVE_INFINITY } = session;
    if (openingAtMs - openAtMs > facts.openingMs) return over('opening-timeout', opening);
    return { end: undefined, commits, request, opening };
  }
  return broken('malformed', 'opening-timeout');

  function commitFault(
    index: number,
    { from, withinMs }: Phase,
    { measuredMs, ownDelayMs }: CommitRecord,
  ): Rejection | undefined {
    if (measuredMs < 0) return 'protocol';
    if (isOverdue(measuredMs, ownDelayMs, withinMs)) return 'window';
    const { nonces, body, phase } = commits[index]!;
    if (phase !== index || !isNonceSet(nonces, session.maxNonces) || body.length > limits.commitBytes)
      return 'protocol';
    if (phases[index - 1]?.from === from && !isSameSet(commits[index - 1]!.nonces, nonces)) return 'protocol';
    const own = from === 'go' ? session.nonce : session.pass?.nonce;
    if (!own || !nonces.some((included) => equals(included, own))) return 'left-out';
    return rules.areCommits(commits.map((each) => each.body)) ? undefined : 'protocol';
  }
}

/** What our Go told the slot, of kinds whose slots work with one another. */
function briefOf(frames: readonly Restored[]): Uint8Array | undefined {
  const go = frames.find(({ stored }) => stored.from === 'validator' && stored.kind === 'go')?.message;
  return go?.case === 'go' && go.value.body.length > 0 ? go.value.body : undefined;
}

const isTooLarge = ({ stored, signed }: Restored): boolean =>
  stored.kind !== 'opening' && signed.body.length > SESSION_LIMITS.frameBytes;

/** A set whose keys have changed since is judged by the build that it was for, and not by rules that it never named. */
function readBy(kind: ProofKind<unknown, unknown>, kept: unknown, id: string): unknown {
  try {
    return kind.parseParams(kept);
  } catch (error) {
    if (!isAssayError(error, 'invalid-input')) throw error;
    throw unsupported(`replay of ${id}`, `its parameters are not of this build (${error.message})`);
  }
}
