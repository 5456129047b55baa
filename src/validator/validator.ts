// Owns: the validator's life: heads in, events and weights out, once each. Does not own: an event (round.ts).
import type { ChainInfo, ChainReader, ChainWriter, Head, Neuron, Subnet } from '../chain/chain.js';
import type { Keypair } from '../keys/keypair.js';
import { fromAddress } from '../keys/ss58.js';
import { equals, toHex } from '../model/bytes.js';
import { type Clock, withTimeout } from '../model/clock.js';
import { AssayError, isAssayError } from '../model/errors.js';
import { type Hotkey, type Netuid, toHotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Outcome } from '../model/outcome.js';
import type { Random } from '../model/prng.js';
import { noTracer, type Tracer, traced } from '../model/trace.js';
import { type Declined, isDeclined } from '../model/verdict.js';
import { createParameters, type ParametersParts, RETRY_BLOCKS } from '../parameters/parameters.js';
import { filePeers } from '../parameters/peers.js';
import { assertPhases } from '../parameters/phases.js';
import { dial } from '../protocol/dial.js';
import type { MinerPeer } from '../protocol/session.js';
import type { Wire } from '../protocol/wire.js';
import { DEFAULT_POLICY, maintenanceRules, policyDigest, type ScoringRule } from '../scoring/index.js';
import { passBlock } from '../verification/draw.js';
import { eventId } from '../verification/seed.js';
import type { Anchor } from './anchors.js';
import type { ProofKinds } from './assign.js';
import { type Announced, createCalendar } from './calendar.js';
import type { Beacon } from './dispatch.js';
import { type FileDoor, openFileDoor } from './file-door.js';
import type { BreakerLimits } from './ledger/entries.js';
import type { Ledger } from './ledger/ledger.js';
import { createLookBack, recall } from './look-back.js';
import { createHeardMaintenance } from './maintenance.js';
import { createOverruns } from './overruns.js';
import type { OwnDelay } from './own-delay.js';
import { type PassWatch, watchPass } from './pass-watch.js';
import { createPolicies } from './policies.js';
import type { Reach } from './reach.js';
import { type ClaimBook, claimants, type RosterMaintenance, roster } from './roster.js';
import { type Event, runEvent } from './round.js';
import { type EventPlan, holdOf } from './schedule.js';
import { type EpochScore, factsOf } from './score.js';
import {
  type BreakerView,
  createScorer,
  type Decision,
  type Decisions,
  type ScoredLedger,
} from './scorer.js';
import type { EventTally, ValidatorAlert, ValidatorStatus } from './status.js';
import { turnHolders } from './turns.js';
import { type ReceiptLines, usageOf } from './usage.js';
import type { Verifiers } from './verifiers.js';
import type { Stage, WeightsBook } from './weights/book.js';
import { createPublisher, type Progress } from './weights/publish.js';

export interface ValidatorParts {
  readonly reader: ChainReader;
  readonly writer: Pick<
    ChainWriter,
    'setWeights' | 'commitWeights' | 'revealWeights' | 'commitTimelockedWeights' | 'resend'
  >;
  readonly book: WeightsBook;
  /** Told what an operator must know; the log has it too. @default nobody */
  readonly alert?: (alert: ValidatorAlert) => void;
  readonly wire: Wire;
  readonly keypair: Keypair;
  readonly kinds: ProofKinds;
  /**
   * The subnet's own scoring rules. Where the owner's policy names one that is not here, nothing is asked and no weights are set.
   * @default none
   */
  readonly rules?: readonly ScoringRule[] | undefined;
  /** Where the owner's parameters come from. @default nobody's count but those that `kinds` bring */
  readonly parameters?: ParametersParts | undefined;
  /** Where peers may have them from us. @default no port: we only ask */
  readonly files?: FileDoor | undefined;
  readonly ledger: ScoredLedger &
    Pick<Ledger, 'outcomes' | 'completedEvents' | 'startedEvents'> &
    Partial<Pick<Ledger, 'doubled'>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly ownDelay: OwnDelay;
  /** ends of its own for kinds in which slots work with one another. @default none */
  readonly anchors?: readonly Anchor[] | undefined;
  /** What sees the ports that slots offer to others. @default they are not asked */
  readonly reach?: Reach | undefined;
  /**
   * Credit for rollouts; undefined where there is nothing to say. It is what an epoch's weights are made of where the owner
   * published no policy, and else what the policy's pools of rollouts pay for.
   * @default weights are of what completed events of the ledger proved
   */
  readonly scoreOf?: ((epoch: number) => EpochScore | undefined) | undefined;
  /** Usage receipts, asked for when an epoch is paid by a policy that counts them. @default none */
  readonly receipts?: ReceiptLines | undefined;
  /** Where content is verified: `createVerifierPool` makes threads for it. @default this thread */
  readonly verifiers?: Verifiers | undefined;
  /** Where spans of events, sessions, verification and weights go. @default nothing is traced */
  readonly tracer?: Tracer | undefined;
  /** What a person says of scores that are held, each once. @default nobody is asked */
  readonly decisions?: Decisions | undefined;
  readonly log: Log;
}

export interface ValidatorOptions {
  readonly netuid: Netuid;
  /** when scores are held because many fail together. @default DEFAULT_BREAKER */
  readonly breaker?: BreakerLimits | undefined;
  /** whose weights are set @default 0 */
  readonly mechanism?: number;
  /** when events are in epochs of which the owner's policy says nothing: the same for all validators of the subnet */
  readonly plan: EventPlan;
}

/** An event whose block has not come is given up when this many blocks have passed it unseen. */
const MISSED_AFTER_BLOCKS = 0;
/** Weights are sent with what is there when so few blocks are left to the epoch. */
const LAST_CALL_BLOCKS = 4;
/** Miners may list callers without a permit, whose nonces a Commit then names too: so many are taken for honest. */
const LISTED_CALLERS = 8;
/** Axons may have moved since the epoch began; a chain that does not say so at once must not cost the event. */
const FRESH_READ_MS = 250;
/** Whose turn it is must be known, or two would run rounds at once: it is waited for while there is time to arm slots. */
const TURNS_READ_MS = 3000;
/** Hashes kept for drawing events: more than any epoch that fits the plan needs at once. */
const KEPT_HASHES = 4096;

/** Stages of a record before any block has its row or commit. */
const NOT_ON_CHAIN: ReadonlySet<Stage> = new Set(['computed', 'submitted']);
/** Of epochs that went by unseen so many are looked at: an older chain's index can jump. */
const MISSED_TOLD = 64;
/** A tempo can be changed, and an epoch triggered: the schedule is read again after so many blocks at the latest. */
const SCHEDULE_BLOCKS = 25;

interface Running {
  readonly block: number;
  readonly epoch: number;
  readonly go: (beacon: Beacon) => void;
  readonly miss: (error: Error) => void;
  readonly pass: PassWatch;
  readonly done: Promise<void>;
}

/**
 * Runs until aborted; what it was doing is finished or dropped by then, and the journal says which.
 * @param onStatus called with a fresh value after each step
 */
export async function runValidator(
  parts: ValidatorParts,
  options: ValidatorOptions,
  signal: AbortSignal,
  onStatus: (status: ValidatorStatus) => void = () => {},
): Promise<void> {
  const { reader, clock, log, ledger, keypair, tracer = noTracer, alert = () => {} } = parts;
  const { netuid, mechanism = 0 } = options;
  const self = toHotkey(keypair.address);
  assertPhases(parts.kinds);
  holdOf(options.plan);
  const chain: ChainInfo = await reader.info();
  const peers = createPeers(parts, options);
  const publisher = createPublisher(parts, { netuid, mechanism });
  const parameters = createParameters(parts, { netuid });
  const policies = createPolicies(parameters, options.plan, parts.rules);
  const scorer = createScorer({ ...parts, breaker: options.breaker });
  const lookBack = createLookBack();
  const overruns = createOverruns(log);
  let hasLookedBack = false;
  const hashes = new Map<number, Uint8Array>();
  const running = new Map<number, Running>();
  const claims: ClaimBook = new Map();
  const maintenance = createHeardMaintenance(
    { ledger: scorer, publicKeyOf: fromAddress, log },
    { genesis: chain.genesisHash, netuid },
  );
  let hasRecalled = false;
  let subnet: Subnet | undefined;
  let announcedUpTo: number | undefined;
  let warnedEpoch: number | undefined;
  let greetedEpoch: number | undefined;
  /** epochs whose weights were decided on without a record: nothing scored, or set already */
  const decidedEpochs = new Set<number>();
  /** epochs in which this hotkey could set nothing, as far as they have gone */
  const idleEpochs = new Set<number>();
  let lateEpoch: number | undefined;
  let withheldEpoch: number | undefined;
  let ruleFailedEpoch: number | undefined;
  /** the newest epoch that is over and accounted for */
  let closedEpoch = newestOf(parts.book, options);
  let publishing: Promise<void> | undefined;
  let status: ValidatorStatus = {
    hotkey: self,
    netuid,
    head: 0,
    epoch: 0,
    permit: false,
    events: 0,
    running: 0,
  };

  const tell = (change: Partial<ValidatorStatus>) => {
    status = { ...status, ...change, running: running.size };
    onStatus(status);
  };

  const hashOf = async (block: number): Promise<Uint8Array> => {
    const known = hashes.get(block);
    if (known) return known;
    const hash = await reader.blockHash(block);
    hashes.set(block, hash);
    return hash;
  };
  const calendar = createCalendar({ hashOf, lookBack });

  /** Synchronous up to the Go: nothing may stand between a beacon and the frames that wait for it. */
  const onHead = (head: Head) => {
    const seenAt = clock.monotonic();
    hashes.set(head.number, head.hash);
    hashes.delete(head.number - KEPT_HASHES);
    running.get(head.number)?.go({ hash: head.hash, seenAt });
    for (const { pass } of running.values()) pass.onHead(head, seenAt);
    for (const event of running.values())
      if (head.number > event.block + MISSED_AFTER_BLOCKS)
        event.miss(
          new AssayError('timeout', `event block ${event.block} was not seen`, { what: 'head', afterMs: 0 }),
        );
    if (running.has(head.number)) overruns.begins(head.number);
    pending = head;
    step ??= walk().finally(() => {
      step = undefined;
    });
  };

  let pending: Head | undefined;
  let step: Promise<void> | undefined;

  async function walk(): Promise<void> {
    while (pending && !signal.aborted) {
      const head = pending;
      pending = undefined;
      try {
        await onBlock(head);
      } catch (error) {
        if (!signal.aborted) log.warn('block not processed', { block: head.number, error });
      }
    }
  }

  async function onBlock(head: Head): Promise<void> {
    if (
      !subnet ||
      subnet.nextEpochBlock === undefined ||
      head.number >= Math.min(subnet.nextEpochBlock, subnet.block + SCHEDULE_BLOCKS)
    )
      await refresh(head);
    const current = subnet!; // refreshed or known
    const own = current.neurons.find(({ hotkey }) => hotkey === self);
    tell({
      head: head.number,
      epoch: current.epochIndex,
      permit: own?.validatorPermit ?? false,
      overlapped: overruns.count(),
      ...(parts.parameters ? ofParameters(current) : {}),
    });
    closeEpochs(current);
    await takeDecision(head, current);
    if (head.number % RETRY_BLOCKS === 0) parameters.retry(holdersOf(current), signal);
    const mayPublish = own?.validatorPermit === true && current.nextEpochBlock !== undefined;
    if (mayPublish) idleEpochs.delete(current.epochIndex);
    const isDue = mayPublish && publishDue(head, current) && !isWithheld(current);
    // beside the walk: a send that waits for its block must not keep the next event from being announced. What is under way
    // is followed to its end also without a permit: to have lost it is one way in which the chain drops a commit in silence
    if (isDue || publisher.isUnfinished)
      publishing ??= setWeights(head, current, isDue).finally(() => {
        publishing = undefined;
      });
    if (isDue) warnIfLate(head, current);
    if (!own) log.warn('hotkey is not registered on the subnet', { netuid, hotkey: self });
    if (!mayPublish) {
      idleEpochs.add(current.epochIndex);
      announcedUpTo = head.number;
      return;
    }
    await announce(head, current).catch((error: unknown) => {
      // an epoch too short for the plan, a hash out of reach: no event, but what was scored is still to be set
      if (warnedEpoch !== current.epochIndex)
        log.warn('events not announced', { epoch: current.epochIndex, block: head.number, error });
      warnedEpoch = current.epochIndex;
    });
  }

  /** A new snapshot, and with it a first word from every miner: connections are up and claims known before any event. */
  async function refresh(head: Head): Promise<void> {
    const now = await reader.subnet(netuid, head.hash);
    await parameters.look({ subnet: now, hash: head.hash }, holdersOf(now), signal);
    subnet = now;
    const hotkeys = new Set(subnet.neurons.map(({ hotkey }) => hotkey));
    peers.keep(hotkeys);
    lookBack.keep(hotkeys);
    await recallOnce(now);
    maintenance.keep(hotkeys, now.block - rulesIn(now).inBlocks);
    for (const key of claims.keys()) if (!hotkeys.has(toHotkey(key.split(' ')[0]!))) claims.delete(key);
    const own = subnet.neurons.find(({ hotkey }) => hotkey === self);
    if (!own?.validatorPermit || greetedEpoch === subnet.epochIndex) return;
    greetedEpoch = subnet.epochIndex;
    const never = new Promise<void>(() => {});
    const heard = { ...heardIn(subnet, head.number), isAway: awayAt(head.number) };
    const rosterParts = { peerOf: peers.of, claims, log, maintenance: heard };
    for (const miner of roster(rosterParts, { subnet, self, until: never }, signal)) void miner.claims;
  }

  const rulesIn = ({ epochIndex }: Subnet) =>
    maintenanceRules(policies.in(epochIndex).policy ?? DEFAULT_POLICY);

  /** What counted before this process began counts on, as far back as an allowance looks. */
  async function recallOnce(current: Subnet): Promise<void> {
    if (hasRecalled) return;
    const { epochIndex, lastEpochBlock, nextEpochBlock = lastEpochBlock } = current;
    const epochs = Math.ceil(rulesIn(current).inBlocks / Math.max(1, nextEpochBlock - lastEpochBlock));
    const fromEpoch = Math.max(0, epochIndex - epochs - 1);
    await ledger.fold({ declared: maintenance.recall }, { fromEpoch }, signal);
    hasRecalled = true;
  }

  /** What miners show of declared maintenance at a block: it counts later than what is announced by then. */
  function heardIn(current: Subnet, block: number): Pick<RosterMaintenance, 'hear'> {
    const { epochIndex: epoch } = current;
    const rules = rulesIn(current);
    const leadBlocks = Math.max(rules.leadBlocks, policies.in(epoch).plan.leadBlocks + 1);
    return {
      hear: (miner, statements) =>
        maintenance.hear(miner, statements, { block, epoch, rules: { ...rules, leadBlocks } }),
    };
  }

  const awayAt =
    (block: number): RosterMaintenance['isAway'] =>
    (miner, worker) =>
      maintenance.statementOf(miner, worker, block) !== undefined;

  function ofParameters({ epochIndex }: Subnet): Pick<ValidatorStatus, 'parameters' | 'policy'> {
    const { digest, whyNot } = policies.in(epochIndex);
    return { parameters: parameters.status(epochIndex), policy: { digest, whyNot } };
  }

  const holdersOf = (current: Subnet) => () => filePeers(parts, { netuid, subnet: current, self });

  /** Weights by other numbers than the subnet's would count against whoever goes by its own: none are better, said aloud. */
  function isWithheld({ epochIndex: epoch }: Subnet): boolean {
    const reason = parameters.status(epoch).whyNot ?? policies.in(epoch).whyNot;
    if (reason === undefined) {
      if (withheldEpoch === epoch) decidedEpochs.delete(epoch); // they came after all, and in time
      withheldEpoch = undefined;
      return false;
    }
    decidedEpochs.add(epoch);
    tell({ weightsStage: { epoch, stage: 'withheld', reason } });
    if (withheldEpoch === epoch) return true;
    withheldEpoch = epoch;
    log.error('no weights in this epoch: what counts in it is not here', {
      epoch,
      reason,
    });
    alertWithheld(epoch, reason);
    return true;
  }

  function alertWithheld(epoch: number, reason: string): void {
    const { digest: policy } = policies.in(epoch);
    alert({ kind: 'weights-withheld', netuid, hotkey: self, epoch, reason, ...(policy ? { policy } : {}) });
  }

  /** Tried again at the next block: who is registered may be another by then, and with it what the rule is asked. */
  function tellRuleFailed(epoch: number, { message: reason }: AssayError): void {
    tell({ weightsStage: { epoch, stage: 'withheld', reason } });
    if (ruleFailedEpoch === epoch) return;
    ruleFailedEpoch = epoch;
    log.error('no weights: the scoring rule of the policy failed', { epoch, reason });
    alertWithheld(epoch, reason);
  }

  async function announce(head: Head, current: Subnet): Promise<void> {
    if (Object.keys(parts.kinds).length === 0) return; // nothing to challenge: weights are of something else
    const epoch = { start: current.lastEpochBlock, length: current.nextEpochBlock! - current.lastEpochBlock };
    const from = Math.max(announcedUpTo === undefined ? head.number : announcedUpTo + 1, epoch.start);
    announcedUpTo = head.number;
    const { plan } = policies.in(current.epochIndex);
    lookBackOnce(current, plan);
    for (let block = from; block <= head.number; block++) {
      const announced = await calendar.announcedBy(block, epoch, plan);
      if (!announced || running.has(announced.block)) continue;
      const { purpose, block: eventBlock } = announced;
      if (purpose === 'liveness' && claimants({ claims, subnet: current }, announced.asks).length === 0)
        continue;
      if ((pending?.number ?? head.number) >= eventBlock)
        log.warn('event announced too late for us', { eventBlock });
      // not from the heads we saw: of a fork that lost, nobody tells us
      else start(announced, plan, current, await reader.blockHash(epoch.start));
    }
  }

  function lookBackOnce({ epochIndex }: Subnet, { lookBack: events = 0, eventsPerEpoch }: EventPlan): void {
    if (hasLookedBack || events === 0) return;
    hasLookedBack = true;
    recall(lookBack, ledger, {
      fromEpoch: Math.max(0, epochIndex - Math.ceil(events / eventsPerEpoch)),
      events,
    });
  }

  function start(announced: Announced, plan: EventPlan, current: Subnet, basis: Uint8Array): void {
    const { block, purpose } = announced;
    const hold = holdOf(plan);
    const isCheck = purpose === 'liveness';
    let go!: Running['go'];
    let miss!: Running['miss'];
    const beacon = new Promise<Beacon>((resolve, reject) => {
      go = resolve;
      miss = reject;
    });
    const pass = watchPass({ block, hold }, (candidate) => reader.blockHash(candidate));
    beacon.catch(pass.miss); // whoever waits for it sees the rejection; nobody may be waiting yet
    const id = eventId({ netuid, block, basis });
    const epoch = current.epochIndex;
    const kinds = parameters.kindsOf(epoch);
    if (!kinds || policies.in(epoch).whyNot !== undefined) {
      isWithheld(current);
      log.warn('event left out: parameters that count are not here', { block, epoch });
      return;
    }
    const permits = current.neurons.filter(({ validatorPermit }) => validatorPermit).length;
    // as of the block that announced the event: weights that somebody sets meanwhile are not seen by one validator alone
    const announcing = reader
      .blockHash(isCheck ? block - 1 : block - plan.leadBlocks)
      .then((hash) => reader.subnet(netuid, hash, mechanism));
    const tooLong = () =>
      new AssayError('timeout', 'the subnet was not read', { what: 'subnet', afterMs: TURNS_READ_MS });
    const span = tracer.start(isCheck ? 'check' : 'event', { block, epoch });
    const event: Event = {
      id,
      traceparent: span.traceparent,
      block,
      basis,
      epoch,
      netuid,
      ordinal: `${epoch}.${announced.ordinal}`,
      asked: announced,
      byTurn: plan.validators === 'phase-shifted',
      withinMs: isCheck ? plan.leadBlocks * chain.blockTimeMs : undefined,
      maxNonces: permits + LISTED_CALLERS,
      minLeadMs: announced.minLeadMs,
      hold,
      go: beacon,
      pass: pass.seen,
      turns: withTimeout(clock, TURNS_READ_MS, announcing, tooLong).then(turnHolders, () => undefined),
      isStillCanonical: async (hash, passed) => {
        try {
          if (!equals(await reader.blockHash(block), hash)) return false;
          if (!passed) return true;
          const now = await passBlock(block, hold, (candidate) => reader.blockHash(candidate));
          return equals(now.hash, passed);
        } catch {
          return true; // a chain out of reach has not changed its mind, as far as anybody knows
        }
      },
    };
    const onAbort = () => {
      const error = new AssayError('timeout', 'stopping', { what: 'event', afterMs: 0 });
      miss(error);
      pass.miss(error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    log.info(isCheck ? 'check announced' : 'event announced', {
      block,
      epoch,
      event: toHex(id).slice(0, 16),
    });

    // a check has no time of its own to keep: slots that answer late are nobody's but theirs
    const watched = isCheck ? undefined : overruns.watch({ block, eventBlocks: plan.eventBlocks });
    const append: typeof scorer.append = async (entry) => {
      await scorer.append(entry);
      if (entry.type === 'outcome') watched?.judged();
    };
    const done = (async () => {
      try {
        // axons may have changed since the epoch began
        const read = announcing.catch(() => current);
        const fresh = await Promise.race([read, clock.sleep(FRESH_READ_MS).then(() => current)]);
        const recorded = { append, saveParams: ledger.saveParams };
        const own = { claims, peerOf: peers.of, publicKeyOf: fromAddress };
        // not before the block that announced the event: so that no declaration can be made for it
        const announcedAt = isCheck ? block - 1 : block - plan.leadBlocks;
        const heard = { ...heardIn(fresh, announcedAt), statementOf: maintenance.statementOf };
        const roundParts = { ...parts, ...own, kinds, ledger: recorded, maintenance: heard };
        const asked = isCheck
          ? { ...fresh, neurons: claimants({ claims, subnet: fresh }, announced.asks) }
          : fresh;
        const outcomes = await runEvent(roundParts, { event, subnet: asked, chain, self }, signal);
        if (isCheck) return log.info('slots checked', { block, epoch, ...tally(outcomes) });
        lookBack.judged(outcomes, plan.lookBack ?? 0);
        if (outcomes.length === 0 && event.byTurn) return;
        if (outcomes.length === 0) {
          log.warn('event without a slot to challenge: it does not count', { block, epoch });
          return;
        }
        log.info('event judged', { block, epoch, ...tally(outcomes) });
        for (const { id: outcome, miner, verdict } of outcomes)
          if (verdict.kind === 'rejected' && verdict.reason === 'poison')
            alert({ kind: 'poison-evidence', netuid, hotkey: self, epoch, miner, outcome });
        const verifiers = parts.verifiers?.tally?.();
        const queue = parts.verifiers?.queue?.();
        tell({
          events: status.events + 1,
          lastEvent: { block, epoch, ...tally(outcomes) },
          ...(verifiers ? { verifiers } : {}),
          ...(queue ? { queue } : {}),
          doubledOutcomes: ledger.doubled?.() ?? 0,
        });
      } catch (error) {
        span.end(error);
        if (!signal.aborted) log.warn('event dropped: it counts for nobody', { block, error });
      } finally {
        span.end();
        signal.removeEventListener('abort', onAbort);
        running.delete(block);
        watched?.over(pending?.number ?? status.head);
      }
    })();
    running.set(block, { block, epoch, go, miss, pass, done });
  }

  function publishDue(head: Head, current: Subnet): boolean {
    const left = current.nextEpochBlock! - head.number;
    if (left > policies.in(current.epochIndex).plan.publishLeadBlocks) return false;
    const judging = [...running.values()].some(({ epoch }) => epoch === current.epochIndex);
    return !judging || left <= LAST_CALL_BLOCKS;
  }

  async function setWeights(head: Head, { epochIndex: epoch }: Subnet, isDue: boolean): Promise<void> {
    try {
      const isNew = isDue && !publisher.recordOf(epoch) && !decidedEpochs.has(epoch);
      const due = isNew ? { epoch, scores: (now: Subnet) => rowOf(epoch, now) } : undefined;
      const step = () => publisher.step(due, report);
      await (due ? traced(tracer.start('weights', { epoch }), step) : step());
    } catch (error) {
      if (isAssayError(error, 'rule-failed')) return tellRuleFailed(epoch, error);
      // decided anew from what is written down and the chain's state at the next block: a send may have landed all the same
      log.warn('weights not set yet', { epoch, block: head.number, error });
    }
  }

  async function rowOf(epoch: number, now: Subnet): Promise<ReadonlyMap<Hotkey, number> | undefined> {
    const credit = parts.scoreOf?.(epoch);
    const { policy: published } = policies.in(epoch);
    const hangsOnCredit = published?.pools.some((pool) => pool.credit === 'rollouts') ?? true;
    if (parts.scoreOf && (!published || (!credit && hangsOnCredit)))
      return credit?.withOwner(now.ownerHotkey);
    const policy = published ?? DEFAULT_POLICY;
    const { block } = now;
    const facts = factsOf(now, { rollouts: credit?.scores });
    const usage = await usageOf(parts, policy, now, facts.neurons);
    const paid = await scorer.pay({ policy, epoch, block, facts: { ...facts, usage } }, signal);
    if (!paid) return undefined;
    const { pay, breaker, row } = paid;
    tell({ breaker });
    if (breaker.tripped || breaker.held) tellMassFailure(epoch, breaker);
    if (!pay) return row;
    log.info('scores of the epoch', { epoch, reasons: Object.fromEntries(pay.reasons) });
    tell({ lastScored: { epoch, block, policy: policyDigest(policy) } });
    return row;
  }

  function tellMassFailure(epoch: number, { owners, drifted, held }: BreakerView): void {
    const heldUntil = held?.until;
    log.error('many who were honest failed together', { epoch, owners, drifted, heldUntil });
    if (held)
      tell({ weightsStage: { epoch, stage: 'held', reason: `mass failure, since epoch ${held.since}` } });
    alert({ kind: 'mass-failure', netuid, hotkey: self, epoch, owners, drifted, heldUntil });
  }

  /** What somebody said of scores that are held. */
  async function takeDecision({ number: block }: Head, { epochIndex: epoch }: Subnet): Promise<void> {
    const apply = async (decision: Decision): Promise<void> => {
      const wasHeld = await scorer.decide(decision, { epoch, block });
      log.warn(wasHeld ? 'scores are held no longer' : 'no scores are held', { decision, epoch });
      if (status.breaker) tell({ breaker: { ...status.breaker, held: undefined } });
    };
    await parts.decisions
      ?.take(apply)
      .catch((error: unknown) => log.error('a word on held scores is not taken yet', { epoch, error }));
  }

  async function report(progress: Progress): Promise<void> {
    const { epoch } = progress;
    switch (progress.is) {
      case 'sent': {
        const { block, row } = progress;
        await ledger
          .append({ type: 'weights', epoch, block, row })
          .catch((error: unknown) =>
            log.error('weights are set, and not in the journal', { epoch, block, error }),
          );
        log.info('weights in a block', { epoch, block, row });
        return tell({ lastWeights: { epoch, block, row } });
      }
      case 'revealed':
      case 'applied':
        log.info(`weights ${progress.is}`, { epoch, block: progress.block });
        return tell({ weightsStage: { epoch, stage: progress.is } });
      case 'already-set':
        decidedEpochs.add(epoch);
        log.warn('weights of this epoch are on the chain already, and not by this book', { epoch });
        return alert({ kind: 'weights-failed', netuid, hotkey: self, epoch, reason: 'set-elsewhere' });
      case 'nothing-judged':
        decidedEpochs.add(epoch);
        return log.warn(
          'nothing was judged that this epoch could be scored by: weights are left as they are',
          {
            epoch,
          },
        );
      case 'nobody-scored':
        decidedEpochs.add(epoch);
        return log.warn('nobody scored, and the owner is not registered', { epoch });
      case 'failed': {
        const { reason } = progress;
        decidedEpochs.add(epoch);
        log.error('weights of an epoch are lost', { epoch, reason });
        alert({ kind: 'weights-failed', netuid, hotkey: self, epoch, reason });
        return tell({ weightsStage: { epoch, stage: 'failed', reason } });
      }
      default: {
        const { is, ...why } = progress;
        const isNews = status.weightsStage?.reason !== progress.reason;
        log[is === 'refused' && isNews ? 'warn' : 'debug'](`weights ${is}`, why);
        return tell({ weightsStage: { epoch, stage: is, reason: progress.reason } });
      }
    }
  }

  /** Epochs that went by while nobody was here to set their weights: no step of theirs would ever say so. */
  function closeEpochs({ epochIndex }: Subnet): void {
    const first = closedEpoch === undefined ? epochIndex : closedEpoch + 1;
    closedEpoch = epochIndex - 1;
    const missed: number[] = [];
    for (let epoch = Math.max(first, epochIndex - MISSED_TOLD); epoch < epochIndex; epoch++) {
      const [isDecided, wasIdle] = [decidedEpochs.delete(epoch), idleEpochs.delete(epoch)];
      if (!publisher.recordOf(epoch) && !isDecided && !wasIdle) missed.push(epoch);
    }
    if (missed.length === 0) return;
    const [from, to] = [missed[0]!, missed.at(-1)!];
    log.error('no weights were set in epochs that are over', { from, to });
    alert({
      kind: 'weights-failed',
      netuid,
      hotkey: self,
      epoch: to,
      reason: `not here from epoch ${from} on`,
    });
  }

  /** While there still is time to do something about it. */
  function warnIfLate(head: Head, { epochIndex: epoch, nextEpochBlock }: Subnet): void {
    const left = nextEpochBlock! - head.number; // due: there is a next epoch
    const stage = publisher.recordOf(epoch)?.stage;
    const isOnChain = decidedEpochs.has(epoch) || (stage !== undefined && !NOT_ON_CHAIN.has(stage));
    const { publishLeadBlocks } = policies.in(epoch).plan;
    if (left > Math.max(1, Math.floor(publishLeadBlocks / 4)) || isOnChain || lateEpoch === epoch) return;
    lateEpoch = epoch;
    const reason = status.weightsStage?.epoch === epoch ? status.weightsStage.reason : undefined;
    log.error('weights are not on the chain and the epoch is about to end', {
      epoch,
      blocksLeft: left,
      reason,
    });
    alert({
      kind: 'weights-late',
      netuid,
      hotkey: self,
      epoch,
      blocksLeft: left,
      ...(reason ? { reason } : {}),
    });
  }

  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  const door =
    parts.files &&
    (await openFileDoor(
      { ...parts, door: parts.files, content: parameters.bytesOf, subnet: () => subnet },
      { netuid },
      inner,
    ));
  try {
    log.info('validator ready', { hotkey: self, netuid, chain: chain.name });
    await reader.watchHeads(onHead, signal);
  } finally {
    await step;
    await publishing;
    await parameters.settled();
    // no heads any more: what waits for its block would wait for ever
    const ended = new AssayError('timeout', 'no more heads', { what: 'head', afterMs: 0 });
    for (const { miss, pass } of running.values()) {
      miss(ended);
      pass.miss(ended);
    }
    await Promise.all([...running.values()].map(({ done }) => done));
    peers.close();
    stop.abort();
    await door?.closed;
  }
}

function tally(outcomes: readonly Outcome[]): EventTally {
  const count = (kind: Outcome['verdict']['kind']) =>
    outcomes.filter(({ verdict }) => verdict.kind === kind).length;
  return {
    accepted: count('accepted'),
    rejected: count('rejected'),
    inconclusive: count('inconclusive'),
    ...declinedOf(outcomes),
    ownDelayMs: Math.round(Math.max(0, ...outcomes.map(({ ownDelayMs }) => ownDelayMs))),
  };
}

function declinedOf(outcomes: readonly Outcome[]): Pick<EventTally, 'declined'> {
  const declined: Partial<Record<Declined, number>> = {};
  for (const { verdict } of outcomes)
    if (isDeclined(verdict)) declined[verdict.cause] = (declined[verdict.cause] ?? 0) + 1;
  return Object.keys(declined).length > 0 ? { declined } : {};
}

function newestOf(book: WeightsBook, { netuid, mechanism = 0 }: ValidatorOptions): number | undefined {
  const mine = book.records().filter((record) => record.netuid === netuid && record.mechanism === mechanism);
  return mine.at(-1)?.epoch;
}

/** One connection per miner, renewed when its axon moves or names another key. */
function createPeers(
  parts: ValidatorParts,
  { netuid }: ValidatorOptions,
): { of(neuron: Neuron): MinerPeer; keep(hotkeys: ReadonlySet<Hotkey>): void; close(): void } {
  const open = new Map<Hotkey, { key: string; peer: MinerPeer }>();
  return {
    of({ hotkey, axon }) {
      const { ip: host, port, serverKey } = axon!; // the roster holds only neurons that serve one
      const address = { host, port, serverKey };
      const pin = serverKey ? ` ${serverKey.algorithm}:${toHex(serverKey.publicKey)}` : '';
      const key = `${host}:${port}${pin}`;
      const known = open.get(hotkey);
      if (known?.key === key) return known.peer;
      known?.peer.close();
      open.delete(hotkey); // dial may refuse the new one
      const peer = dial(parts, { address, hotkey, netuid });
      open.set(hotkey, { key, peer });
      return peer;
    },
    keep(hotkeys) {
      for (const [hotkey, { peer }] of open) {
        if (hotkeys.has(hotkey)) continue;
        peer.close();
        open.delete(hotkey);
      }
    },
    close() {
      for (const { peer } of open.values()) peer.close();
    },
  };
}
