// Owns: a miner's hosts, slots and cards as its operator sees them, from what the miner leaves in its folder, what validators signed
// and what the chain pays. Does not own: reading any of it, markup (page.ts).
import type { HostSlotStatus, HostStatus } from '../../miner/hosts/hosts.js';
import type { MinerStatus, SlotFinding, SlotStatus } from '../../miner/status.js';
import { type ChainFacts, perDayRao } from '../chain-facts.js';
import type { Check } from '../history.js';

/** What a running miner said of itself last; words of another build may be others. */
export interface SaidOfMiner {
  readonly status: Pick<MinerStatus, 'version' | 'why'> & {
    readonly phase: string;
    readonly sessions: { readonly open: number; readonly ended: Readonly<Record<string, number>> };
    readonly slots: readonly SaidSlot[];
    readonly doctor: readonly SaidFinding[];
  };
  readonly isRunning: boolean;
  /** unix ms */
  readonly writtenMs: number;
}

type SaidSlot = Pick<SlotStatus, 'index' | 'worker' | 'kind'> & {
  readonly phase: string;
  readonly why?: string | undefined;
};
type SaidFinding = Pick<SlotFinding, 'index' | 'kind' | 'class'>;

/** A machine that dials in. */
type SaidHost = Pick<
  HostStatus,
  'worker' | 'isConnected' | 'isRevoked' | 'address' | 'version' | 'seenMs' | 'wayMs'
> & { readonly slots: readonly Pick<HostSlotStatus, 'index' | 'kind' | 'class' | 'why'>[] };

export interface FleetCard {
  readonly index: number;
  readonly name: string;
  readonly driver: string;
  readonly memoryBytes: number | undefined;
  readonly usedBytes: number | undefined;
  readonly temperatureC: number | undefined;
  readonly powerW: number | undefined;
  readonly powerLimitW: number | undefined;
  readonly busyPercent: number | undefined;
  readonly uncorrectedErrors: number | undefined;
}

export interface FleetReading {
  readonly hotkey: string;
  readonly miner: SaidOfMiner | { readonly why: string };
  /** hosts that dial in; undefined where the miner takes none */
  readonly hosts:
    | { readonly hosts: readonly SaidHost[]; readonly writtenMs: number; readonly rejected: number }
    | undefined;
  readonly leases: readonly { readonly slot: number; readonly untilMs?: number | undefined }[];
  /** of the last day */
  readonly duty: readonly {
    readonly worker: string;
    readonly slot: string;
    readonly deviceSeconds: number;
  }[];
  readonly cards:
    | { readonly cards: readonly FleetCard[]; readonly readMs: number }
    | { readonly why: string };
  /** receipts, newest first */
  readonly checks: readonly Check[];
  /** there are older ones, which are not among them */
  readonly checksCut: boolean;
  readonly chain: ChainFacts | undefined;
}

export interface SlotRow {
  readonly index: number;
  readonly worker: string;
  readonly proof: string;
  readonly phase: string;
  readonly why: string | undefined;
  /** until when somebody pays for it; `open` without an end */
  readonly leased: number | 'open' | undefined;
  /** of the last day */
  readonly day: DayOfSlot;
  readonly deviceSeconds: number | undefined;
  readonly last: Check | undefined;
}

export interface DayOfSlot {
  readonly accepted: number;
  readonly rejected: number;
  readonly inconclusive: number;
  /** mean of what accepted checks credited, of the class */
  readonly share: number | undefined;
}

export interface HostRow {
  readonly worker: string;
  readonly is: 'own' | 'connected' | 'away' | 'revoked';
  readonly address: string | undefined;
  readonly version: string | undefined;
  readonly seenMs: number | undefined;
  readonly wayMs: number | undefined;
  readonly slots: number;
  /** of the last day */
  readonly deviceSeconds: number;
}

export interface FleetView {
  readonly reading: FleetReading;
  /** undefined where the miner never said anything */
  readonly said: SaidOfMiner | undefined;
  readonly isOld: boolean;
  readonly hosts: readonly HostRow[];
  readonly slots: readonly SlotRow[];
  /** of all slots */
  readonly day: DayOfSlot;
  /** unix ms from which on receipts are known, where that is less than a day */
  readonly dayFromMs: number | undefined;
  readonly earnings:
    | {
        readonly uid: number;
        readonly epochRao: bigint;
        readonly perDayRao: bigint;
        /** at the pool's price */
        readonly perDayTaoRao: bigint | undefined;
        readonly block: number;
      }
    | undefined;
}

const DAY_MS = 86_400_000;
/** A miner says how it fares every 15 s. */
const OLD_MS = 60_000;

export function fleetView(reading: FleetReading, nowMs: number): FleetView {
  const said = 'status' in reading.miner ? reading.miner : undefined;
  const recent = reading.checks.filter(({ atMs, liveness }) => !liveness && nowMs - atMs <= DAY_MS);
  const bySlot = new Map<number, Check[]>();
  for (const check of recent) {
    const own = bySlot.get(check.slot);
    if (own) own.push(check);
    else bySlot.set(check.slot, [check]);
  }
  const remote = reading.hosts?.hosts ?? [];
  const known = new Map<number, Pick<SlotRow, 'worker' | 'proof' | 'phase' | 'why'>>();
  for (const { worker, slots, isConnected } of remote)
    for (const { index, kind, class: name, why } of slots)
      known.set(index, { worker, proof: `${kind}:${name}`, phase: isConnected ? 'resting' : 'away', why });
  for (const { index, worker, kind, phase, why } of said?.status.slots ?? []) {
    const before = known.get(index);
    known.set(index, {
      worker: before?.worker ?? worker,
      proof: before?.proof ?? proofOf(said!, index, kind),
      phase: before?.phase === 'away' ? 'away' : phase,
      why: why ?? before?.why,
    });
  }
  const leases = new Map(reading.leases.map(({ slot, untilMs }) => [slot, untilMs ?? ('open' as const)]));
  const slots = [...known]
    .sort(([a], [b]) => a - b)
    .map(([index, of]): SlotRow => {
      const own = bySlot.get(index) ?? [];
      const duty = reading.duty.find(({ worker, slot }) => worker === of.worker && slot === `${index}`);
      const until = leases.get(index);
      return {
        index,
        ...of,
        leased: typeof until === 'number' && until <= nowMs ? undefined : until,
        day: dayOf(own),
        deviceSeconds: duty?.deviceSeconds,
        last: own[0],
      };
    });
  const workers = new Set([...slots.map(({ worker }) => worker), ...remote.map(({ worker }) => worker)]);
  const hosts = [...workers].map((worker): HostRow => {
    const host = remote.find((each) => each.worker === worker);
    return {
      worker,
      is: hostState(host),
      address: host?.address,
      version: host ? host.version : said?.status.version,
      seenMs: host ? host.seenMs : said?.writtenMs,
      wayMs: host?.wayMs,
      slots: slots.filter((slot) => slot.worker === worker).length,
      deviceSeconds: reading.duty
        .filter((row) => row.worker === worker)
        .reduce((sum, { deviceSeconds }) => sum + deviceSeconds, 0),
    };
  });
  const oldest = reading.checks.at(-1);
  return {
    reading,
    said,
    isOld: said !== undefined && nowMs - said.writtenMs > OLD_MS,
    hosts,
    slots,
    day: dayOf(recent),
    dayFromMs: reading.checksCut && oldest && nowMs - oldest.atMs < DAY_MS ? oldest.atMs : undefined,
    earnings: earningsOf(reading),
  };
}

/** Who does not dial in is the miner's own. */
function hostState(host: SaidHost | undefined): HostRow['is'] {
  if (!host) return 'own';
  if (host.isRevoked) return 'revoked';
  return host.isConnected ? 'connected' : 'away';
}

/** What the doctor called it where the miner's own host has it. */
function proofOf({ status }: SaidOfMiner, index: number, kind: string): string {
  const found = status.doctor.find((each) => each.index === index && each.kind === kind);
  return found ? `${kind}:${found.class}` : kind;
}

function dayOf(checks: readonly Check[]): DayOfSlot {
  const of = (verdict: Check['verdict']) => checks.filter((check) => check.verdict === verdict);
  const accepted = of('accepted');
  return {
    accepted: accepted.length,
    rejected: of('rejected').length,
    inconclusive: of('inconclusive').length,
    share:
      accepted.length === 0
        ? undefined
        : accepted.reduce((sum, { share }) => sum + share, 0) / accepted.length,
  };
}

function earningsOf({ chain, hotkey }: FleetReading): FleetView['earnings'] {
  const neuron = chain?.neurons.find((each) => each.hotkey === hotkey);
  if (!chain || !neuron) return undefined;
  const day = perDayRao(chain, neuron.emissionRao);
  return {
    uid: neuron.uid,
    epochRao: neuron.emissionRao,
    perDayRao: day,
    perDayTaoRao: chain.priceRao === undefined ? undefined : (day * chain.priceRao) / 1_000_000_000n,
    block: chain.block,
  };
}
