// Owns: which device each slot of a miner computes on. Does not own: which devices there are (compute/find-devices.ts), the slots
// (miner-slots.ts).
import type { FoundDevice, FoundDevices } from '../compute/find-devices.js';
import { BY_SIZE, deviceByClass } from '../verification/classes.js';
import { type WantedSlot, wrongSlot } from './wanted-slots.js';

/** Kinds that prove something else than a device that computes. */
const OTHER_KINDS: ReadonlySet<string> = new Set(['host-memory', 'storage', 'bandwidth']);

/** Whether a slot needs a look at which devices there are: a host of CPUs is not asked for its drivers. */
export const needsDevices = (wanted: readonly WantedSlot[]): boolean =>
  wanted.some((each) => each.device !== undefined || isOfCard(each));

/**
 * A slot that names a device has that one; one of a card's class has the next card that no slot of its kind has; all others
 * compute on the host's CPUs.
 * @returns in the order of `wanted`; undefined for slots that compute on nothing
 * @throws AssayError `invalid-config` with the fix
 */
export function assignDevices(
  wanted: readonly WantedSlot[],
  found: FoundDevices,
): readonly (FoundDevice | undefined)[] {
  const cpu = found.devices.find(({ id }) => id === 'cpu')!; // every host has one
  const cards = cardsOf(found);
  const taken = new Map<string, Set<string>>();
  const takenBy = (kind: string): Set<string> => {
    const ids = taken.get(kind) ?? new Set();
    taken.set(kind, ids);
    return ids;
  };
  for (const { kind, device } of wanted) if (device !== undefined) takenBy(kind).add(device);
  return wanted.map((slot) => {
    const { kind, className, device } = slot;
    if (OTHER_KINDS.has(kind)) {
      if (device === undefined) return undefined;
      throw wrongSlot(`${kind} does not compute on a device: write ${kind}:${className}`);
    }
    const chosen = device === undefined ? undefined : named(device, found);
    if (chosen || !isOfCard(slot)) return usable(slot, chosen ?? cpu);
    const others = takenBy(kind);
    const card = cards.find(({ id }) => !others.has(id));
    if (card) {
      others.add(card.id);
      return usable(slot, card);
    }
    const name = `${kind}:${className}`;
    if (cards.length > 0)
      throw wrongSlot(
        `more slots of ${kind} than the ${cards.length === 1 ? 'one device' : `${cards.length} devices`} here; where several share one, say which: ${name}@${cards[0].id}`,
      );
    const instead = kind === 'memory' ? '' : `; to prove it with the CPUs of this host, write ${name}@cpu`;
    throw wrongSlot(`${name} is a class of cards, and none can be used here: ${whyNone(found)}${instead}`);
  });
}

const isOfCard = ({ kind, className }: WantedSlot): boolean =>
  !OTHER_KINDS.has(kind) &&
  (kind === 'memory' || className.startsWith(BY_SIZE) || deviceByClass(className) !== undefined);

/** What has no problem; adapters of WebGPU only where there is no driver that does it better: they may be the same cards. */
function cardsOf({ devices }: FoundDevices): readonly FoundDevice[] {
  const fine = devices.filter(({ id, problem }) => id !== 'cpu' && problem === undefined);
  const cuda = fine.filter(({ choice }) => choice.device === 'cuda');
  return cuda.length > 0 ? cuda : fine;
}

function named(id: string, { devices, absent }: FoundDevices): FoundDevice {
  const device = devices.find((each) => each.id === id);
  if (!device) {
    const why = absent.find(({ backend }) => id.startsWith(backend))?.why;
    throw wrongSlot(
      `no device ${id} here${why ? ` (${why})` : ''}; there are ${devices.map((each) => each.id).join(', ')}`,
    );
  }
  if (device.problem !== undefined) throw wrongSlot(`${id}: ${device.problem}`);
  return device;
}

function usable({ kind }: WantedSlot, device: FoundDevice): FoundDevice {
  if (kind === 'memory' && device.id === 'cpu')
    throw wrongSlot('memory needs a device with memory of its own; that of the host is host-memory');
  return device;
}

/** Devices with what is wrong with each, then what there is none of. */
export const whyNone = ({ devices, absent }: FoundDevices): string =>
  [
    ...devices.flatMap(({ id, problem }) => (problem === undefined ? [] : [`${id}: ${problem}`])),
    ...absent.map(({ why }) => why),
  ].join('; ');
