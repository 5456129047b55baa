// Owns: honest sessions over bad lines: one event of one slot with up to three validators, each the validator's own walk
// (validator/dispatch.ts), the miner's own answer (miner/answer.ts), the real judge. Does not own: kinds whose slots meet (rounds.ts).
import type { Neuron } from '../../chain/chain.js';
import { createAnswer } from '../../miner/answer.js';
import { noReceipts } from '../../miner/receipts.js';
import { createLocalSlot } from '../../miner/slot.js';
import { toHex, utf8 } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import { sha256 } from '../../model/hash.js';
import { type Hotkey, toColdkey, toHotkey, toNetuid, toUid } from '../../model/ids.js';
import { silentLog } from '../../model/log.js';
import type { Random } from '../../model/prng.js';
import type { Verdict } from '../../model/verdict.js';
import type { ProofSession } from '../../protocol/session.js';
import { CREDITED_DELAY, hasPass, play, READ_GRACE_MS } from '../../validator/dispatch.js';
import { createJudge } from '../../validator/judge.js';
import { createOpeningGate } from '../../validator/opening-gate.js';
import { paramsId } from '../../verification/checked-params.js';
import type { Phase, ProofKind } from '../../verification/proof.js';
import { eventId } from '../../verification/seed.js';
import type { Prove, Subject } from '../attacks/session.js';
import { createVirtualClock } from '../virtual-clock.js';
import { createLine, type LineModel, uniform } from './line.js';
import { BLOCK_SKEW_MS, VALIDATORS } from './models.js';

const NETUID = toNetuid(1);
const WORKER = 'host';
const EVENT_BLOCK = 1000;
/** from Arm to the event's block */
const ARMED_MS = 1000;
/** from the end of the event's phases to the block of the Pass */
const HOLD_MS = 500;

/** A miner that is not honest after all, or an event that goes its own way: for tests of the walk itself. */
export interface EventOptions<Params> {
  readonly prove?: Prove<Params>;
  /** ms after the first at which each validator sees the event's block; drawn without it */
  readonly seesLateMs?: readonly number[];
  /** ms of stall that each validator says it had while a phase was open; those of its line without it */
  readonly stalledMs?: number;
}

/**
 * @param subject what devices do in a time is theirs to make of the clock
 * @returns a verdict for each validator
 */
export async function honestEvent<Params extends object, Secret>(
  subject: (clock: Clock, random: Random) => Subject<Params, Secret>,
  model: LineModel,
  random: Random,
  options: EventOptions<Params> = {},
): Promise<readonly Verdict[]> {
  const clock = createVirtualClock();
  return clock.runUntil(event());

  async function event(): Promise<Verdict[]> {
    const minerClock = drifting(clock, (2 * uniform(random) - 1) * model.drift, uniform(random) * 1e6);
    const { kind, params, devices } = subject(minerClock, random);
    const proving = options.prove ? { ...kind, prove: options.prove } : kind;
    // a kind is held by whoever does not know its parameters
    const held = kind as unknown as ProofKind<unknown, unknown>;
    const facts = kind.facts(params);
    const address = paramsId(params);
    const goMs = ARMED_MS;
    const passMs = goMs + lasts(facts.phases, 'go') * (1 + CREDITED_DELAY) + READ_GRACE_MS + HOLD_MS;
    const stop = new AbortController();
    const miner = hotkeyOf('miner');
    const basis = random.bytes(32);
    const go = random.bytes(32);
    const pass = random.bytes(32);
    const id = eventId({ netuid: NETUID, block: EVENT_BLOCK, basis });
    const slot = createLocalSlot(
      { ...devices, kind: proving, params, paramsId: address, clock: minerClock },
      { index: 0, worker: WORKER },
    );
    /** the miner's own node has a block some time after the first validator's */
    const hasBlock = (ms: number) => {
      const at = clock.monotonic() + ms + uniform(random) * BLOCK_SKEW_MS;
      return async () => {
        await clock.sleep(at - clock.monotonic());
        return true;
      };
    };
    const answer = createAnswer(
      {
        slots: () => [slot],
        hotkey: publicKeyOf(miner),
        netuid: NETUID,
        events: { isPlausible: async () => true, confirms: hasBlock(goMs), confirmsPass: hasBlock(passMs) },
        tickets: { find: () => () => {} },
        clock: minerClock,
        log: silentLog,
        receipts: noReceipts,
      },
      stop.signal,
    );

    const task = {
      neuron: neuronOf(miner),
      claim: { index: 0, worker: WORKER, kind: kind.kind, paramsId: toHex(address) },
      kind: held,
      params,
      facts,
    };
    const validators = options.seesLateMs?.length ?? 1 + random.below(VALIDATORS);
    const verdicts = Array.from({ length: validators }, async (_, v) => {
      const validator = hotkeyOf(`validator ${v}`);
      const seesLate = options.seesLateMs?.[v] ?? (v === 0 ? 0 : uniform(random) * BLOCK_SKEW_MS);
      let stalled = 0;
      const line = createLine({
        clock,
        minerClock,
        random: random.fork(`line ${v}`),
        model,
        validator,
        miner,
        onStall: (ms) => {
          stalled = Math.max(stalled, ms);
        },
      });
      void answer(line.miner);
      const beacon = (hash: Uint8Array, afterMs: number) =>
        clock.sleep(afterMs).then(() => ({ hash, seenAt: clock.monotonic() }));
      const lastSentAt: Record<Phase['from'], number> = { go: 0, pass: 0 };
      const frame = {
        id,
        block: EVENT_BLOCK,
        basis,
        ordinal: '0.0',
        maxNonces: VALIDATORS,
        hold: { first: 1, last: 1 },
        go: beacon(go, goMs + seesLate),
        pass: beacon(pass, passMs + seesLate),
      };
      const overAfter = async (from: Phase['from']): Promise<void> => {
        const overAt = lastSentAt[from] + lasts(facts.phases, from) * (1 + CREDITED_DELAY) + READ_GRACE_MS;
        await clock.sleep(overAt - clock.monotonic());
      };
      const own = random.fork(`validator ${v}`);
      const played = await play(
        {
          peer: peerOf(line.validator),
          clock,
          random: own,
          ownDelay: {
            observe: () => {
              stalled = 0;
              return () => options.stalledMs ?? stalled;
            },
          },
          gate: createOpeningGate({ total: 2 ** 30, perMiner: 2 ** 30, miners: () => 1 }),
          meetings: { ready: () => {}, briefing: () => undefined },
          sessions: new Set(),
          onSent: (from, at) => {
            lastSentAt[from] = at;
          },
          windowOver: frame.go.then(async () => {
            await overAfter('go');
            if (!hasPass(facts)) return;
            await frame.pass;
            await overAfter('pass');
          }),
        },
        frame,
        task,
      );
      const judge = createJudge({ random: own, log: silentLog, publicKeyOf }, frame, go);
      const { verdict } = await judge.judge(played);
      judge.close();
      played.release();
      line.validator.end();
      return verdict;
    });
    const all = await Promise.all(verdicts);
    stop.abort();
    return all;
  }
}

const lasts = (phases: readonly Phase[], of: Phase['from']): number =>
  Math.max(0, ...phases.map(({ from, withinMs }) => (from === of ? withinMs : 0)));

const hotkeyOf = (role: string): Hotkey => toHotkey(`honest ${role}`);

/** Nobody signs here: what matters is that each has another one. */
const publicKeyOf = (address: string): Uint8Array => sha256(utf8(address));

function drifting(clock: Clock, drift: number, offset: number): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => offset + clock.monotonic() * (1 + drift),
    sleep: (ms, signal) => clock.sleep(ms / (1 + drift), signal),
  };
}

const peerOf = (session: ProofSession) => ({
  describe: () => Promise.reject(new TypeError('nobody asks an honest event for claims')),
  content: async () => undefined,
  piece: async () => undefined,
  prove: () => session,
  close: () => {},
});

const neuronOf = (hotkey: Hotkey): Neuron => ({
  uid: toUid(0),
  hotkey,
  coldkey: toColdkey(hotkey),
  stakeRao: 0n,
  consensusStakeRao: undefined,
  validatorPermit: false,
  active: true,
  lastUpdate: 0,
  registeredAt: 0,
  incentive: 0,
  dividends: 0,
  emissionRao: 0n,
  axon: undefined,
});
