// Owns: what this validator has heard of declared maintenance: signatures looked at once and not too often, what counts in the
// ledger. Does not own: which declarations count (parameters/maintenance.ts), what an event in one is paid (scoring).
import { toHex } from '../model/bytes.js';
import { isAssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import type { Hotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import { type Counted, createMaintenanceBook, type MaintenanceRules } from '../parameters/maintenance.js';
import { SESSION_LIMITS } from '../protocol/limits.js';
import { type Maintenance, verifyMaintenance } from '../protocol/maintenance.js';
import type { DeclaredEntry } from './ledger/entries.js';
import type { Ledger } from './ledger/ledger.js';

export interface HeardMaintenance {
  /** Takes up what was found to count before this process. */
  recall(entry: DeclaredEntry): void;
  /** Notes what a miner's Describe shows; what is no statement of its own is left out, and said. */
  hear(
    miner: Hotkey,
    statements: readonly Uint8Array[],
    at: { readonly block: number; readonly epoch: number; readonly rules: MaintenanceRules },
  ): void;
  /** The statement by which a slot is in maintenance at this block; undefined where it is not. */
  statementOf(miner: Hotkey, worker: string, block: number): Uint8Array | undefined;
  counted(miner?: Hotkey): readonly Counted[];
  /** Hotkeys that the subnet has no more, and declarations on which nothing hangs any more. */
  keep(hotkeys: ReadonlySet<Hotkey>, from: number): void;
}

/** Statements of one hotkey whose signature is looked at in so many blocks: 0.3 ms each, and an honest one signs some in a week. */
const LOOKED_AT = 4;
const LOOKED_AT_BLOCKS = 360;

interface Shown {
  /** of what it shows now, by digest: undefined for what is no statement of its own */
  said: ReadonlyMap<string, Maintenance | undefined>;
  lookedAt: number;
  sinceBlock: number;
}

export function createHeardMaintenance(
  parts: {
    readonly ledger: Pick<Ledger, 'append'>;
    readonly publicKeyOf: (hotkey: string) => Uint8Array;
    readonly log: Log;
  },
  { genesis, netuid }: { readonly genesis: Uint8Array; readonly netuid: number },
): HeardMaintenance {
  const { ledger, publicKeyOf, log } = parts;
  const book = createMaintenanceBook();
  const shown = new Map<Hotkey, Shown>();
  /** by miner and serial */
  const statements = new Map<string, Uint8Array>();
  const keyOf = ({ miner, serial }: Pick<Counted, 'miner' | 'serial'>): string => `${miner} ${serial}`;

  function read(miner: Hotkey, bytes: Uint8Array): Maintenance | undefined {
    try {
      return verifyMaintenance(bytes, { genesis, netuid, hotkey: publicKeyOf(miner) });
    } catch (error) {
      if (!isAssayError(error, 'invalid-input') && !isAssayError(error, 'unauthenticated')) throw error;
      log.warn('maintenance not taken: no statement of this hotkey for this subnet', { miner, error });
      return undefined;
    }
  }

  return {
    recall({ miner, serial, workers, declaredFrom, from, until, statement }) {
      const counted = { miner, serial, workers, declaredFrom, from, until };
      book.restore(counted);
      statements.set(keyOf(counted), statement);
    },
    hear(miner, given, { block, epoch, rules }) {
      const known = shown.get(miner);
      if (given.length === 0 && !known) return;
      const now: Shown = known ?? { said: new Map(), lookedAt: 0, sinceBlock: block };
      shown.set(miner, now);
      if (block - now.sinceBlock >= LOOKED_AT_BLOCKS) Object.assign(now, { lookedAt: 0, sinceBlock: block });
      const said = new Map<string, Maintenance | undefined>();
      for (const bytes of given.slice(0, SESSION_LIMITS.declarations)) {
        if (bytes.length > SESSION_LIMITS.maintenanceBytes) continue;
        const digest = toHex(sha256(bytes));
        const wasSaid = now.said.has(digest);
        if (!wasSaid && now.lookedAt >= LOOKED_AT) continue;
        if (!wasSaid) now.lookedAt++;
        const of = wasSaid ? now.said.get(digest) : read(miner, bytes);
        said.set(digest, of);
        const heard = of && book.hear(miner, of, block, rules);
        if (!heard) continue;
        if ('refused' in heard) {
          if (!wasSaid)
            log.info('maintenance does not count', { miner, serial: of.serial, why: heard.refused });
          continue;
        }
        const { counted } = heard;
        statements.set(keyOf(counted), bytes);
        log.info('maintenance declared', { ...counted });
        ledger
          .append({ type: 'declared', epoch, block, ...counted, statement: bytes })
          .catch((error: unknown) => log.error('maintenance not in the ledger', { miner, error }));
      }
      now.said = said;
    },
    statementOf(miner, worker, block) {
      const counted = book.covering(miner, worker, block);
      return counted && statements.get(keyOf(counted));
    },
    counted: book.counted,
    keep(hotkeys, from) {
      book.forgetBefore(from);
      const kept = new Set(book.counted().map(keyOf));
      for (const key of statements.keys()) if (!kept.has(key)) statements.delete(key);
      for (const miner of shown.keys()) if (!hotkeys.has(miner)) shown.delete(miner);
    },
  };
}
