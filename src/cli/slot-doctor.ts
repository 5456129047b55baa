// Owns: small proofs of the slots that a miner is about to claim, on what they will work on, in bounded time. Does not own: the
// proving (doctor/examine.ts), what a failed slot means (miner/life.ts).
import type { Devices } from '../compute/compute.js';
import type { SlotFinding } from '../miner/status.js';
import type { Clock } from '../model/clock.js';
import { rejected, verdictToString } from '../model/verdict.js';
import { CARDS } from '../verification/cards.js';
import { plotName } from '../verification/kinds/storage/params.js';
import type { ProofKind } from '../verification/proof.js';
import { slotPlace } from '../verification/seed.js';
import { SUBJECTS } from './doctor/classes.js';
import { examine } from './doctor/examine.js';
import type { Host } from './doctor/finding.js';
import { openLinks } from './doctor/host.js';

/** A slot with what it works on. */
export interface ExaminedSlot {
  readonly index: number;
  readonly kind: ProofKind<unknown, unknown>;
  readonly className: string;
  readonly devices: Devices;
}

/** A small proof takes seconds, a read plot some ten: what takes longer hangs, or would be late in any event. */
const SLOT_MS = 45_000;
/** Of all of them: an operator who restarts a miner wants it back for the next event. */
const ALL_MS = 180_000;

const LATE = verdictToString(rejected('window'));

export interface SlotDoctor {
  /** @param only by what was found of them before @default all */
  examine(signal: AbortSignal, only?: readonly SlotFinding[]): Promise<readonly SlotFinding[]>;
  /** Why this one is not claimed. */
  rests(index: number, kind: string): string | undefined;
}

/** @param about whose slots: a plot is one's own. Without the hotkey, which a host behind a miner does not have, plots are not looked at */
export function createSlotDoctor(
  { clock, slots }: { readonly clock: Clock; readonly slots: () => readonly ExaminedSlot[] },
  about: { readonly hotkey?: Uint8Array; readonly worker: string },
): SlotDoctor {
  const failed = new Map<string, string>();

  async function look(slot: ExaminedSlot, signal: AbortSignal): Promise<SlotFinding> {
    const { index, kind, className } = slot;
    const found = { index, kind: kind.kind, class: className };
    const subject = SUBJECTS[kind.kind];
    const params = [...kind.table.values()].find((each) => kind.facts(each).className === className);
    const isPlot = kind.kind === 'storage';
    // a subnet's own kind has no small class: it is proven under the slot's, as a plot is
    const isSmall = subject !== undefined && !isPlot;
    if (!isSmall && params === undefined)
      return { ...found, state: 'skipped', said: 'this build has no small proof of it' };
    const { hotkey, worker } = about;
    if (isPlot && !hotkey)
      return { ...found, state: 'skipped', said: 'a plot is for a hotkey, which is not here' };
    const over = new AbortController();
    const links = kind.round ? await openLinks(AbortSignal.any([signal, over.signal])) : undefined;
    const place = isPlot && hotkey ? slotPlace({ hotkey, worker, slot: index }) : undefined;
    const host: Host = {
      devices: links ? { ...slot.devices, link: links.link } : slot.devices,
      card: undefined,
      found: undefined,
      catalogue: CARDS,
      meets: links?.meets,
      plot: place ? { name: plotName({ params, place } as never), class: className } : undefined, // a storage's, as looked at above
      findings: [],
    };
    try {
      if (host.plot) await slot.devices.disk?.open(host.plot.name, over.signal); // as its first event would
      const asked = isSmall ? { small: true } : { class: className, small: false };
      const prove = () => examine(kind, host, { ...asked, kind: [kind.kind] }, over.signal);
      const first = await prove();
      // one that was late once may have met whatever else starts with this host
      const { state, said, fix } = first.said === LATE ? await prove() : first;
      return { ...found, state, said, fix };
    } finally {
      over.abort();
      await links?.end();
    }
  }

  /** What hangs is left behind: a device that is stuck must not keep the others from being served. */
  async function within(slot: ExaminedSlot, ms: number, signal: AbortSignal): Promise<SlotFinding> {
    const { index, kind, className } = slot;
    const found = { index, kind: kind.kind, class: className };
    const over = new AbortController();
    const inner = AbortSignal.any([signal, over.signal]);
    const looked = look(slot, inner).catch((error: unknown): SlotFinding => {
      const said = error instanceof Error ? error.message : 'it could not be proven';
      const fix = `assay miner doctor --kind ${kind.kind} says more`;
      return { ...found, state: 'failed', said, fix };
    });
    const late = clock.sleep(ms, inner).then(
      (): SlotFinding => ({
        ...found,
        state: 'failed',
        said: `no proof within ${Math.round(ms / 1000)} s`,
        fix: 'end what else runs here, look at the log of its driver, and start again',
      }),
    );
    const first = await Promise.race([looked, late]);
    over.abort();
    signal.throwIfAborted();
    return first;
  }

  return {
    async examine(signal, only) {
      const began = clock.monotonic();
      const findings: SlotFinding[] = [];
      for (const slot of slots()) {
        const { index, kind, className } = slot;
        if (only && !only.some((each) => each.index === index && each.kind === kind.kind)) continue;
        const leftMs = Math.min(SLOT_MS, began + ALL_MS - clock.monotonic());
        const name = nameOf(index, kind.kind);
        const before = failed.get(name);
        const finding: SlotFinding =
          leftMs > 0
            ? await within(slot, leftMs, signal)
            : {
                index,
                kind: kind.kind,
                class: className,
                // one that failed before rests still, and must be looked at again
                ...(before === undefined
                  ? { state: 'skipped', said: 'not looked at: the time was up' }
                  : { state: 'failed', said: before }),
              };
        findings.push(finding);
        if (finding.state === 'failed') failed.set(name, finding.said);
        else if (finding.state === 'proven') failed.delete(name);
      }
      return findings;
    },
    rests: (index, kind) => failed.get(nameOf(index, kind)),
  };
}

const nameOf = (index: number, kind: string): string => `${index} ${kind}`;
