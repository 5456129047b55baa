// Owns: the slots that `assay miner start` serves, from `kind:class` to devices, and how they end. Does not own: what a slot
// does, whose parameters count (miner/follow.ts).

import type { Compute, Devices } from '../compute/compute.js';
import type { FoundDevices } from '../compute/find-devices.js';
import type { DeviceChoice } from '../compute/process/device-process.js';
import type { IsolateOptions } from '../compute/process/isolate.js';
import { classSet } from '../miner/class-set.js';
import type { SlotsUnder } from '../miner/follow.js';
import type { LinkDoor } from '../miner/link-door.js';
import type { Clock } from '../model/clock.js';
import type { Log } from '../model/log.js';
import type { KindsByName, ParameterSet } from '../verification/parameter-file.js';
import { LIVENESS, type ProofKind } from '../verification/proof.js';
import type { ExaminedSlot } from './slot-doctor.js';
import { type WantedSlot, wrongSlot } from './wanted-slots.js';

export interface SlotOptions {
  /** in the order of their index */
  readonly wanted: readonly WantedSlot[];
  readonly kinds: KindsByName;
  readonly worker: string;
  /** threads of the CPU; 0 for all */
  readonly threads: number;
  /** folders with plots, for `storage` */
  readonly plots: readonly string[];
  /** where peers pull from, for `bandwidth`. @default there are no such slots: this host is behind a miner elsewhere */
  readonly link?: { readonly host: string; readonly port: number; readonly door: LinkDoor };
  /** what there is to compute on; asked only where a slot is not for the CPUs. @default what drivers tell */
  readonly findDevices?: () => Promise<FoundDevices>;
  /** Why a slot is not claimed just now, by index and kind. @default all are */
  readonly rests?: (index: number, kind: string) => string | undefined;
  /** Told of each device's process. @default nobody */
  readonly onProcess?: IsolateOptions['onProcess'];
}

export interface OpenedSlots {
  under(sets: readonly ParameterSet[]): SlotsUnder;
  /** each with what it works on, for who examines it */
  readonly opened: readonly ExaminedSlot[];
  close(): Promise<void>;
}

/**
 * Opens what the slots need, once each: devices that compute, in a process of its own each, host memory, plots, a link.
 * @returns `under`: the slots by the sets of one file, each with its index among those wanted
 * @throws AssayError `invalid-config` for a kind that this build does not know, or that needs what was not given
 */
export async function openSlots(
  parts: { readonly log: Log; readonly clock: Clock },
  options: SlotOptions,
  signal: AbortSignal,
): Promise<OpenedSlots> {
  const { log, clock } = parts;
  const { wanted, worker, threads, kinds, rests, onProcess } = options;
  for (const each of wanted) kindOf(each, kinds);
  const indices = indicesOf(wanted);
  const needs = (kind: string): boolean => wanted.some((each) => each.kind === kind);
  if (needs('storage') && options.plots.length === 0)
    throw wrongSlot('storage needs --plots, the folder of a plot (assay miner plot)');
  if (needs('bandwidth') && !options.link)
    throw wrongSlot(
      'bandwidth works on the host whose address the chain names, and on no other of the hotkey',
    );
  const choices = await choicesOf(options);
  const [{ isolateDevice }, { createLocalSlot }, { paramsId }] = await Promise.all([
    import('../compute/process/isolate.js'),
    import('../miner/slot.js'),
    import('../verification/checked-params.js'),
  ]);
  const closing: (() => Promise<unknown> | undefined)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(closing.map((end) => end()));
  };
  try {
    const computes = new Map<string, Compute>();
    for (const [id, choice] of choices.byId) {
      const compute = await isolateDevice({ choice, log, clock, onProcess }).catch((error: unknown) => {
        signal.throwIfAborted(); // a terminal's Ctrl-C ends a process that opens its device, too
        throw error;
      });
      closing.push(() => compute.close?.());
      signal.throwIfAborted();
      computes.set(id, compute);
    }
    // slots that compute nothing are handed one all the same: it is what every prover may use
    const [first] = computes.values();
    let devices: Devices = { compute: first! }; // of no slots at all there is none, and nobody to ask for it
    if (needs('host-memory')) {
      const { createThreadedHost } = await import('../compute/host/threads.js');
      const givesWay = [...choices.byId.values()].some(({ device }) => device !== 'cpu');
      const host = createThreadedHost({ givesWay, ...(threads > 0 ? { lanes: threads } : {}) });
      devices = { ...devices, host };
    }
    if (needs('storage')) {
      const { createFileDisk } = await import('../compute/disk/file.js');
      const disk = createFileDisk({ folders: options.plots });
      closing.push(() => disk.close());
      devices = { ...devices, disk };
    }
    if (needs('bandwidth')) {
      const [{ openTcpLink }, { ed25519FromSeed }, { systemRandom }] = await Promise.all([
        import('../compute/tcp/link.js'),
        import('../model/ed25519.js'),
        import('../model/prng.js'),
      ]);
      const stop = new AbortController();
      const key = ed25519FromSeed(systemRandom.bytes(32));
      const { host, port, door } = options.link!; // looked at above
      const link = await openTcpLink(
        { clock, key, guest: door.guest },
        { host, port, mayDial: door.mayDial },
        AbortSignal.any([signal, stop.signal]),
      );
      closing.push(() => {
        stop.abort();
        return link.closed;
      });
      devices = { ...devices, link };
    }
    const devicesOf = (index: number): Devices => ({
      ...devices,
      compute: computes.get(choices.ids[index] ?? '') ?? devices.compute,
    });
    return {
      opened: wanted.map((each, index) => {
        const { className } = each;
        return { index: indices[index]!, kind: kindOf(each, kinds), className, devices: devicesOf(index) };
      }),
      under(sets) {
        const chosen = wanted.map((each) => classSet(each, { kinds, sets }));
        const slots = chosen.flatMap((each, index) => {
          if ('why' in each) return [];
          const { kind, params } = each;
          const id = paramsId(params as object);
          const at = { index: indices[index]!, worker };
          const slot = createLocalSlot({ ...devicesOf(index), kind, params, paramsId: id, clock }, at);
          return [rests ? { ...slot, rests: () => rests(at.index, kind.kind) } : slot];
        });
        return { slots, resting: chosen.flatMap((each) => ('why' in each ? [each] : [])) };
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A check has the index of the slot before it; all others have the next one. */
function indicesOf(wanted: readonly WantedSlot[]): number[] {
  let next = 0;
  return wanted.map(({ kind }) => (kind === LIVENESS ? Math.max(0, next - 1) : next++));
}

/** What each slot computes on, and how it is opened; the CPUs where nothing computes. */
async function choicesOf({ wanted, threads, findDevices }: SlotOptions): Promise<{
  readonly ids: readonly (string | undefined)[];
  readonly byId: ReadonlyMap<string, DeviceChoice>;
}> {
  if (wanted.length === 0) return { ids: [], byId: new Map() }; // all slots are on other hosts
  const { assignDevices, needsDevices } = await import('./miner-devices.js');
  const cpu: DeviceChoice = { device: 'cpu', threads };
  if (!needsDevices(wanted)) return { ids: wanted.map(() => 'cpu'), byId: new Map([['cpu', cpu]]) };
  const find = findDevices ?? (await import('../compute/find-devices.js')).findDevices;
  const assigned = assignDevices(wanted, await find());
  const byId = new Map(
    assigned.flatMap((device) =>
      device ? [[device.id, device.id === 'cpu' ? cpu : device.choice] as const] : [],
    ),
  );
  return { ids: assigned.map((device) => device?.id), byId: byId.size > 0 ? byId : new Map([['cpu', cpu]]) };
}

/** @throws AssayError `invalid-config` for the first slot that none of these sets is for, or on a live chain a localnet's */
export function assertClasses(
  wanted: readonly WantedSlot[],
  from: {
    readonly kinds: KindsByName;
    readonly sets: readonly ParameterSet[];
    /** @default false */
    readonly isLive?: boolean;
  },
): void {
  for (const each of wanted) {
    const chosen = classSet(each, from);
    if ('why' in chosen) throw wrongSlot(`${chosen.why}`);
    const { kind, params } = chosen;
    if (from.isLive && kind.facts(params).localnetOnly)
      throw wrongSlot(`${each.kind}:${each.className} is for localnets: no live chain pays for it`);
  }
}

/** @throws AssayError `invalid-config` */
function kindOf({ kind: name }: WantedSlot, kinds: KindsByName): ProofKind<unknown, unknown> {
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (!kind) throw wrongSlot(`no kind ${name}; there are ${Object.keys(kinds).join(', ')}`);
  return kind;
}
