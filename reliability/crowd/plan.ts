// Owns: the crowd as values: who is in it, its parameter set, its policy, its addresses. Does not own: processes, what a liar does (hostile.ts).
import { parsePolicy, type ScoringPolicy } from '../../src/scoring/index.js';
import { HOSTILE } from './hostile.js';

export interface CrowdPlan {
  readonly seed: string;
  readonly miners: number;
  readonly blockTimeMs: number;
  readonly windowMs: number;
  readonly leadMs: number;
  readonly eventMs: number;
  /** second byte of its addresses in 127.0.0.0/8: `networkOf` */
  readonly network: number;
}

export interface CrowdMiner {
  readonly name: string;
  readonly hotkeyUri: string;
  readonly coldkeyUri: string;
  /** an address of its own, as hosts have one */
  readonly host: string;
  /** a way to lie; undefined is honest */
  readonly hostile: string | undefined;
}

/** One in twenty lies. */
const HOSTILE_SHARE = 0.05;
/** Hotkeys behind one coldkey: an operator with a rack. */
const PER_COLDKEY = 20;
export const PORT = 19_944;
/** What a process of miners is asked when it is to say what it holds. */
export const HELD = 'held';
const EVENTS_PER_EPOCH = 3;
const PUBLISH_LEAD_MS = 6000;

/** One for each process that runs a crowd, so that two can be at once on a machine; the one above it is free, too. */
export const networkOf = (pid: number): number => 64 + 2 * (pid % 96);

export function crowdOf({
  seed,
  miners,
  network,
}: Pick<CrowdPlan, 'seed' | 'miners' | 'network'>): readonly CrowdMiner[] {
  const every = Math.round(1 / HOSTILE_SHARE);
  const uri = (kind: string, k: number) =>
    `//crowd//${Buffer.from(seed).toString('hex') || '0'}//${kind}//${k}`;
  return Array.from({ length: miners }, (_, k) => {
    const isHostile = k % every === every - 1;
    const which = Math.floor(k / every) % HOSTILE.length;
    return {
      name: `miner-${k}`,
      hotkeyUri: uri('hot', k),
      // nobody is judged by its neighbours: liars have coldkeys of their own
      coldkeyUri: isHostile
        ? uri('liar', Math.floor(which / PER_COLDKEY))
        : uri('cold', Math.floor(k / PER_COLDKEY)),
      host: `127.${network}.${Math.floor(k / 250)}.${1 + (k % 250)}`,
      hostile: isHostile ? HOSTILE[which]! : undefined,
    };
  });
}

export interface CrowdTiming {
  readonly tempo: number;
  readonly policy: ScoringPolicy;
}

export function crowdTiming({ blockTimeMs, leadMs, eventMs, windowMs }: CrowdPlan): CrowdTiming {
  const blocks = (ms: number) => Math.max(1, Math.ceil(ms / blockTimeMs));
  const [leadBlocks, publishLeadBlocks] = [blocks(leadMs), blocks(Math.min(eventMs, PUBLISH_LEAD_MS))];
  const eventBlocks = Math.max(blocks(eventMs), blocks(windowMs) + 3);
  return {
    tempo: leadBlocks + 1 + EVENTS_PER_EPOCH * (eventBlocks + 2) + publishLeadBlocks,
    policy: parsePolicy({
      format: 'assay-scoring-policy/1',
      name: 'crowd',
      burn: 0.02,
      pools: [
        {
          name: 'devices',
          share: 0.98,
          match: { kinds: ['compute'] },
          // a slot that finished all labels counts one
          simulatedPrices: { opsPerS: { of: Math.round((2 * 64 ** 3 * 8 * 1000) / windowMs), counts: 1 } },
        },
      ],
      quarantine: { reasons: ['projection', 'seed'], epochs: 2 },
      schedule: {
        eventsPerEpoch: EVENTS_PER_EPOCH,
        leadBlocks,
        eventBlocks,
        holdBlocks: { first: 1, last: 1 },
        publishLeadBlocks,
        minLeadMs: 0,
      },
    }),
  };
}
