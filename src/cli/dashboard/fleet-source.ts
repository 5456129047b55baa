// Owns: reading of a miner's folder, and of this host's cards, what the page of its fleet shows. Does not own: what follows from it
// (dashboard/fleet).
import { readFile } from 'node:fs/promises';
import type { ChainFacts } from '../../dashboard/chain-facts.js';
import type { FleetSource } from '../../dashboard/fleet/page.js';
import type { FleetReading } from '../../dashboard/fleet/view.js';
import type { Check } from '../../dashboard/history.js';
import { createDuty } from '../../miner/duty.js';
import type { Clock } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import { errnoOf } from '../../model/invalid-input.js';
import type { Log } from '../../model/log.js';
import { dataPaths } from '../assemble.js';
import { askNvidiaSmi } from '../doctor/nvidia-smi.js';
import { type ProgramQuestions, systemQuestions } from '../host-facts.js';
import { readStatus } from '../miner-files.js';
import { readHostsStatus, readLeases } from '../miner-hosts.js';

/** Asking wakes cards up, where nothing keeps them awake. */
const CARDS_EVERY_MS = 30_000;
/** A page is not kept waiting for a driver. */
const CARDS_WAIT_MS = 2000;
/** A day of a miner with many slots; the page says so where it is less. */
const CHECKS = 20_000;

export interface FleetSourceParts {
  readonly clock: Clock;
  readonly log: Log;
  /** the miner's folder, and whose it is */
  readonly data: string;
  readonly hotkey: string;
  readonly receipts: { checks(limit: number): readonly Check[] };
  chain(): ChainFacts | undefined;
  /** @default this host's */
  readonly questions?: ProgramQuestions;
}

export function createFleetSource(parts: FleetSourceParts): FleetSource {
  const { clock, log, data, hotkey, receipts, chain, questions = systemQuestions } = parts;
  let cards: FleetReading['cards'] = { why: 'nvidia-smi is being asked' };
  let askedMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function cardsNow(signal: AbortSignal): Promise<FleetReading['cards']> {
    if (clock.now() - askedMs >= CARDS_EVERY_MS)
      asking ??= askNvidiaSmi(questions).then((said) => {
        askedMs = clock.now();
        asking = undefined;
        cards = said.state === 'read' ? { cards: said.cards, readMs: askedMs } : { why: said.why };
      });
    if (asking) await Promise.race([asking, clock.sleep(CARDS_WAIT_MS, signal)]);
    return cards;
  }

  return {
    async current(signal): Promise<FleetReading> {
      const [miner, hosts, leases, duty, now] = await Promise.all([
        readStatus(dataPaths.minerStatus(data)).catch(why),
        readHostsStatus(dataPaths.hostsStatus(data)).catch(noneOf),
        readLeases(dataPaths.leases(data)).catch(noneOf),
        dutyIn(data, { clock, log }).catch(noneOf),
        cardsNow(signal),
      ]);
      const checks = receipts.checks(CHECKS);
      return {
        hotkey,
        miner,
        hosts: hosts && { hosts: hosts.hosts, writtenMs: hosts.writtenMs, rejected: hosts.rejected.length },
        leases: leases ?? [],
        duty: duty ?? [],
        cards: now,
        checks,
        checksCut: checks.length === CHECKS,
        chain: chain(),
      };
    },
  };
}

/** A folder of a miner that never ran, or of another build: the page says so and shows the rest. */
const why = (error: unknown): { readonly why: string } => {
  if (error instanceof AssayError) return { why: error.message };
  throw error;
};

const noneOf = (error: unknown): undefined => {
  if (isAssayError(error, 'invalid-input') || isAssayError(error, 'corrupt')) return undefined;
  throw error;
};

/** Read, and never written: that is the running miner's. */
async function dutyIn(data: string, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
  const kept = await readFile(dataPaths.duty(data), 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  return createDuty({ clock, log, kept, keep: async () => {} }, {}).rows();
}
