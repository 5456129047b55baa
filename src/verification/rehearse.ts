// Owns: a whole session of one kind in one process, with its times: what a host would be credited, and what proofs cost.
// Does not own: where devices come from, who else takes part in an event.
import type { Devices } from '../compute/compute.js';
import { type Credit, creditShare, NO_CREDIT } from '../model/credit.js';
import type { Random } from '../model/prng.js';
import { rejected, type Verdict } from '../model/verdict.js';
import type { Challenge, Evidence, Pace, Phase, ProofKind, Proving } from './proof.js';
import { allCommits } from './steps.js';

/** One step of the session, as the validator would have timed it without a line in between. */
export interface RehearsedStep {
  readonly from: 'go' | 'pass';
  readonly withinMs: number;
  /** from Go or Pass to the commit */
  readonly tookMs: number;
}

export interface Rehearsal<Params> {
  readonly challenge: Challenge<Params>;
  readonly evidence: Evidence;
  /** `rejected:window` where a step took longer than it may */
  readonly verdict: Verdict;
  /** empty and 0 unless accepted */
  readonly credit: Credit;
  readonly share: number;
  readonly steps: readonly RehearsedStep[];
  /** what both ends spent, ms: before the Go, on the opening, on the shared step, on the verdict */
  readonly prepareMs: number;
  readonly openMs: number;
  readonly secretMs: number;
  readonly verifyMs: number;
}

export interface RehearseParts<Params, Secret> {
  readonly kind: ProofKind<Params, Secret>;
  readonly devices: Devices;
  readonly random: Random;
  /** ms on a monotonic source */
  readonly now: () => number;
  /** share of a step's time kept for the way to a validator and back */
  readonly reserve: number;
  /** told before each thing that takes time */
  readonly onStep?: (what: string) => void;
  /** the honest prover, or another. @default the kind's */
  readonly prove?: ProofKind<Params, Secret>['prove'];
  /** 32 bytes: the slot whose work it is, where something is there for it already, such as a plot. @default random */
  readonly place?: Uint8Array;
  /** of kinds whose slots meet others: whom this one meets */
  readonly meets?: Meeting;
}

/** Ends that give to a slot and take from it, as a validator's own do in a round of few. */
export interface Meeting {
  /** textual address at which they reach the slot */
  readonly address: string;
  readonly ends: readonly { readonly address: string; readonly devices: Devices }[];
}

/** @throws AssayError `unsupported` when a device is missing; the signal's reason when it aborts */
export async function rehearse<Params, Secret>(
  parts: RehearseParts<Params, Secret>,
  params: Params,
  signal: AbortSignal,
): Promise<Rehearsal<Params>> {
  const { kind, devices, random, now, reserve, onStep = () => {}, prove = kind.prove } = parts;
  const { phases, nominal } = kind.facts(params);
  const meeting = parts.meets && kind.round && drawMeeting(parts, params, parts.meets);
  const challenge = {
    params,
    basis: random.bytes(32),
    seed: random.bytes(32),
    place: parts.place ?? random.bytes(32),
    ...(meeting ? { brief: meeting.told } : {}),
  };
  const timed = async <T>(work: () => Promise<T> | T): Promise<[T, number]> => {
    const from = now();
    const value = await work();
    return [value, now() - from];
  };
  const leftFrom = (at: number, withinMs: number) => () => at + withinMs * (1 - reserve) - now();

  onStep('prepare');
  const [, prepareMs] = await timed(() => kind.prepare?.(devices, params, challenge.basis));
  const goAt = now();
  onStep('go');
  const over = new AbortController();
  const settle = meeting?.begin(leftFrom(goAt, phases[0].withinMs), AbortSignal.any([signal, over.signal]));
  let proving: Proving;
  try {
    proving = await prove({ ...devices, leftMs: leftFrom(goAt, phases[0].withinMs) }, challenge, signal);
  } catch (error) {
    over.abort();
    throw error;
  }
  try {
    const steps: RehearsedStep[] = [{ ...phases[0], tookMs: now() - goAt }];
    let passAt: number | undefined;
    const beganAt = ({ from }: Phase): number => {
      if (from === 'go') return goAt;
      passAt ??= now();
      return passAt;
    };
    const paceOf = (phase: Phase): Pace => {
      onStep(phase.from);
      return { leftMs: leftFrom(beganAt(phase), phase.withinMs) };
    };
    const onCommit = (phase: Phase): void => {
      steps.push({ ...phase, tookMs: now() - beganAt(phase) });
    };
    const walked = await allCommits({ kind, random, paceOf, onCommit }, params, proving, signal);
    const { commits, pass } = walked;
    // as far as others have it by now: what comes later they do not count either
    const settled = settle?.(commits);
    onStep('open');
    // what is no commit is never opened
    const claimed = kind.credit(params, commits);
    const request = claimed ? kind.issue(params, commits, random, meeting?.kept) : new Uint8Array(0);
    const [opening, openMs] = await timed(() => (claimed ? proving.open(request) : new Uint8Array(0)));
    onStep('verify');
    const evidence: Evidence = { commits, pass, request, opening };
    const [secret, secretMs] = await timed(() => kind.drawSecret(params, challenge.basis, random));
    const [content, verifyMs] = await timed(() => kind.verify(challenge, evidence, secret));
    const late = steps.some(({ tookMs, withinMs }) => tookMs > withinMs);
    const verdict = late ? rejected('window') : content;
    const credit = verdict.kind === 'accepted' ? { ...claimed, ...settled } : NO_CREDIT;
    const share = creditShare(credit, nominal);
    return { challenge, evidence, verdict, credit, share, steps, prepareMs, openMs, secretMs, verifyMs };
  } finally {
    over.abort();
    proving.release();
  }
}

/** A round of one slot and those that it meets: what it is told, what is kept for Open, what all of it shows. */
function drawMeeting<Params, Secret>(
  { kind, devices, random }: RehearseParts<Params, Secret>,
  params: Params,
  { address, ends }: Meeting,
) {
  const round = kind.round!; // the caller has looked
  const validator = random.bytes(32);
  const self = { hotkey: random.bytes(32), coldkey: random.bytes(32), slot: 0, address };
  const drawn = round.brief(
    params,
    {
      eventId: random.bytes(32),
      beacon: random.bytes(32),
      validator,
      participants: [{ ...self, offer: round.offer(devices, params) }],
      anchors: ends.map((end, slot) => ({
        hotkey: validator,
        coldkey: validator,
        slot,
        address: end.address,
        offer: round.offer(end.devices, params),
      })),
    },
    random,
  );
  const { told, kept } = drawn.participants[0] ?? {};
  if (!told || !kept) throw new RangeError('meets: expected ends that this kind can meet, got none');
  return {
    told,
    kept,
    /** @returns what the round shows beyond the slot's own commits, once those are there */
    begin(leftMs: Pace['leftMs'], signal: AbortSignal): (commits: readonly Uint8Array[]) => Credit {
      const works = ends.flatMap((end, slot) => {
        const brief = drawn.anchors[slot];
        const work = brief && round.anchor?.({ ...end.devices, leftMs }, params, brief, signal);
        return brief && work ? [{ slot, brief, work }] : [];
      });
      return (commits) => {
        const theirs = works.flatMap(({ slot, brief, work }) => {
          const counted = work.commits();
          return counted ? [{ hotkey: validator, slot, told: brief, commits: counted }] : [];
        });
        const own = { hotkey: self.hotkey, slot: self.slot, told, commits };
        return round.settle(params, [own, ...theirs])[0] ?? NO_CREDIT;
      };
    },
  };
}
