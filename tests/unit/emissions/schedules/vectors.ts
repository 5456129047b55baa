// Reads tests/vectors/seed-vectors.json, which states the origin of its figures.
import { readFileSync } from 'node:fs';
import {
  type CurveSchedule,
  type DailySchedule,
  isDaily,
  parseSchedule,
} from '../../../../src/emissions/schedules/evaluate.js';
import { SCHEDULE_PRESETS, type SchedulePresetName } from '../../../../src/emissions/schedules/presets.js';

interface SeedVectors {
  readonly morpheus: {
    readonly emission: readonly { readonly day: number; readonly daily: number; readonly cum: number }[];
    readonly clampFromDay: number;
    readonly splitBps: Readonly<Record<string, number>>;
    readonly tail: readonly { readonly burnRate: number; readonly tail: number; readonly perDay: number }[];
  };
  readonly yellowstone: readonly {
    readonly supply: number;
    readonly budget: number;
    readonly price: number;
    readonly ipsPricePer1000: number;
    readonly maxIps: number;
    readonly accessRate: number;
    readonly userMax10?: number;
    readonly userMax5?: number;
  }[];
  readonly heuristBoost: readonly (readonly [stake: number, boost: number])[];
  readonly heuristVest: { readonly amount: number; readonly byDay: Readonly<Record<string, number>> };
  readonly bittensor: { readonly ownerCut: number; readonly miner: number; readonly validator: number };
  readonly xnos: Readonly<Record<string, number>>;
  readonly nosanaPay: readonly {
    readonly priceMicroPerSec: number;
    readonly timeout: number;
    readonly ran: number;
    readonly deposit: number;
    readonly pay: number;
    readonly refund: number;
  }[];
  readonly grail: readonly (readonly [units: number, score: number])[];
  readonly weightSync: {
    readonly bytes: number;
    readonly minutes: number;
    readonly MBps: number;
    readonly oneTrillion2TBat100MbitHours: number;
  };
  readonly targon: readonly {
    readonly targetPrice: number;
    readonly targetCards: number;
    readonly maxPrice: number;
    readonly cards: number;
    readonly perCard: number;
  }[];
}

export const vectors = JSON.parse(
  readFileSync(new URL('../../../vectors/seed-vectors.json', import.meta.url), 'utf8'),
) as SeedVectors;

export function dailyPreset(name: SchedulePresetName): DailySchedule {
  const schedule = parseSchedule(SCHEDULE_PRESETS[name]);
  if (!isDaily(schedule)) throw new TypeError(`${name} has no days`);
  return schedule;
}

export function curvePreset(name: SchedulePresetName): CurveSchedule {
  const schedule = parseSchedule(SCHEDULE_PRESETS[name]);
  if (isDaily(schedule)) throw new TypeError(`${name} is no curve`);
  return schedule;
}

/** Vectors are doubles; 10^-9 token against them. */
export const tokens = (nano: bigint): number => Number(nano) / 1e9;
