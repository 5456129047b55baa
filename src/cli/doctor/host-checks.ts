// Owns: what of a host's inventory keeps it from serving, or costs it something, and what to do. Pure. Does not own: what there is
// (inventory.ts), what it can do (proofs).
import type { CatalogueCard } from '../../verification/cards.js';
import { cardOf } from '../../verification/catalogue.js';
import { gibibytes } from '../facts.js';
import { type Check, failed, ok, unknown, warning } from './check.js';
import type { Inventory } from './inventory.js';
import type { SmiCard } from './nvidia-smi.js';

const LEAST_NODE = [20, 12] as const;
/** A miner and its system; proofs of host memory take what is left. */
const LEAST_MEMORY = 2 ** 30;
/** Receipts and logs of weeks; a plot needs its own room. */
const LEAST_DISK = 2 ** 30;
const SMALL_DISK = 10 * 2 ** 30;
/** First driver that takes our kernels (CUDA 11.8). */
const LEAST_DRIVER = 520;
const HOT_C = 85;
const TOO_HOT_C = 95;
/** Of a card's memory that others hold before it is worth a line: a display takes some. */
const HELD_SHARE = 0.05;
const FEW_LANES = 8;

export function hostChecks(
  inventory: Inventory,
  of: {
    readonly catalogue: readonly CatalogueCard[];
    /** why the driver's library was not used, where it was looked for */
    readonly cudaAbsent?: string | undefined;
  },
): readonly Check[] {
  return [
    nodeOf(inventory),
    processorOf(inventory),
    memoryOf(inventory),
    diskOf(inventory),
    ...drivesOf(inventory),
    networkOf(inventory),
    systemClockOf(inventory),
    ...containersOf(inventory),
    ...updatesOf(inventory),
    ...cardsOf(inventory, of),
  ];
}

function nodeOf({ node }: Inventory): Check {
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const [least, leastMinor] = LEAST_NODE;
  if (major > least || (major === least && minor >= leastMinor)) return ok('node', `Node ${node}`);
  return failed('node', `Node ${node}`, `install Node ${least}.${leastMinor} or later`);
}

function processorOf({ cpu }: Inventory): Check {
  const { model = 'processor unknown', threads, limit } = cpu;
  if (limit !== undefined && limit < threads)
    return warning(
      'processor',
      `${model}, ${threads} threads, of which a limit leaves ${Number(limit.toFixed(2))}`,
      'raise the limit of the container (--cpus), or give proofs fewer --threads: they wait for one another otherwise',
    );
  return ok('processor', `${model}, ${threads} threads`);
}

function memoryOf({ memory }: Inventory): Check {
  const { bytes, availableBytes, limitBytes } = memory;
  const room = Math.min(availableBytes ?? bytes, limitBytes ?? bytes);
  const said = `${gibibytes(bytes)}, ${gibibytes(room)} of it free${limitBytes === undefined ? '' : `, a limit leaves ${gibibytes(limitBytes)}`}`;
  if (room >= LEAST_MEMORY) return ok('memory', said);
  return failed(
    'memory',
    said,
    `free ${gibibytes(LEAST_MEMORY)} or more: end what else runs here, or raise the limit`,
  );
}

function diskOf({ volumes }: Inventory): Check {
  const data = volumes.find(({ kind }) => kind === 'data folder');
  if (!data)
    return unknown(
      'disk',
      'the volume of the data folder cannot be read',
      'name a folder that is there with --data',
    );
  const said = `${gibibytes(data.freeBytes)} free of ${gibibytes(data.bytes)} where data goes (${data.path})`;
  if (data.freeBytes < LEAST_DISK)
    return failed('disk', said, 'make room, or put the data folder on another volume (--data)');
  if (data.freeBytes < SMALL_DISK)
    return warning(
      'disk',
      said,
      `make room: ${gibibytes(SMALL_DISK)} are enough for receipts and logs, a plot needs its own`,
    );
  return ok('disk', said);
}

function drivesOf({ disks }: Inventory): readonly Check[] {
  const said = disks.map(({ name, model, bytes, rotates }) =>
    [name, model, gibibytes(bytes), rotates === true ? '(rotates, it says)' : undefined]
      .filter(Boolean)
      .join(' '),
  );
  return said.length === 0 ? [] : [ok('drives', said.join('; '))];
}

function networkOf({ network }: Inventory): Check {
  const outward = network.filter(({ addresses }) => addresses.some((each) => !LOOPBACK.test(each)));
  if (outward.length === 0)
    return failed(
      'network',
      'no address but loopback',
      'connect this host: validators call it, and it calls the chain',
    );
  const said = outward.map(
    ({ name, addresses, megabitsPerS }) =>
      `${name} ${addresses.join(' ')}${megabitsPerS === undefined ? '' : `, ${megabitsPerS} Mbit/s`}`,
  );
  return ok('network', said.join('; '));
}
const LOOPBACK = /^(127\.|::1$|fe80:)/;

function systemClockOf({ clockFollowed }: Inventory): Check {
  if (clockFollowed === undefined)
    return unknown(
      'system clock',
      'the system does not say whether its clock follows another',
      "look with timedatectl or chronyc; --netuid compares it with the chain's blocks, --from with another host",
    );
  if (clockFollowed) return ok('system clock', 'follows a time server');
  return failed(
    'system clock',
    'follows nobody: signed calls are refused beyond 30 s of difference',
    'timedatectl set-ntp true, or install chrony',
  );
}

function containersOf({ facts }: Inventory): readonly Check[] {
  const { virtualisation, containerRuntimes = [] } = facts;
  const runtimes = containerRuntimes.length === 0 ? 'none, and none is needed' : containerRuntimes.join('; ');
  return [ok('virtualisation', virtualisation ?? 'not known'), ok('container runtimes', runtimes)];
}

function updatesOf({ facts: { pendingSecurityUpdates: pending } }: Inventory): readonly Check[] {
  if (pending === undefined) return [];
  if (pending === 0) return [ok('security updates', 'none that this host knows of')];
  return [warning('security updates', `${pending} wait to be installed`, 'apt-get upgrade')];
}

function cardsOf(
  { cards, graphics }: Inventory,
  { catalogue, cudaAbsent }: Parameters<typeof hostChecks>[1],
): readonly Check[] {
  if (cards.state === 'absent') return [withoutNvidia(cards.why, graphics)];
  if (cards.state === 'failed') return [failed('cards', cards.why, fixOf(cards.why))];
  const missing =
    cudaAbsent === undefined
      ? []
      : [
          failed(
            'cards',
            `nvidia-smi sees ${cards.cards.length}, and we cannot use them: ${cudaAbsent}`,
            'npm install --ignore-scripts koffi@3.3.4; see docs/guide/bring-your-gpu.md',
          ),
        ];
  const unread = cards.unread.map((line) => {
    const said = `nvidia-smi says beside them: ${line}`;
    if (/^warning\b/i.test(line)) return warning('cards', said, 'it works on; nvidia-smi -q says more of it');
    return failed('cards', said, fixOf(line));
  });
  return [...missing, ...unread, ...cards.cards.flatMap((card) => cardChecks(card, catalogue))];
}

/** What is on the bus says whether that is as it should be. */
function withoutNvidia(why: string, graphics: Inventory['graphics']): Check {
  const named = graphics.map(({ vendor, id, at }) => `${vendor} ${id} at ${at}`).join('; ');
  if (graphics.some(({ vendor }) => vendor === 'NVIDIA'))
    return failed(
      'cards',
      `${why}, and on the bus there is ${named}`,
      `install the driver; in a container, pass the card into it`,
    );
  if (graphics.some(({ vendor }) => vendor === 'AMD' || vendor === 'Intel'))
    return ok(
      'cards',
      `no NVIDIA card: ${why}. On the bus: ${named}; assay miner devices says whether it can be used`,
    );
  return ok('cards', `no NVIDIA card: ${why}`);
}

const DRIVER_FIX =
  'load or install the driver again (dkms, modprobe nvidia), and restart the host after an update of it';

/** By its own words. */
function fixOf(why: string): string {
  if (/did not answer/.test(why))
    return 'a card hangs: look for Xid lines (dmesg | grep -i xid), and restart the host';
  if (/mismatch/i.test(why))
    return 'the driver was updated under a running system: restart the host, or the container';
  if (/insufficient permissions/i.test(why))
    return 'give this user the device files (/dev/nvidia*), or the container the cards';
  if (/couldn.t communicate|not loaded/i.test(why)) return DRIVER_FIX;
  if (/couldn.t find|not found/i.test(why) && /libnvidia-ml/.test(why))
    return "give the container the driver's libraries (NVIDIA's container toolkit), or name their folder in LD_LIBRARY_PATH";
  if (/lost|fallen off|requires reset/i.test(why))
    return 'look for Xid lines (dmesg | grep -i xid), and restart the host';
  return `run nvidia-smi by hand; ${DRIVER_FIX}`;
}

export function cardChecks(card: SmiCard, catalogue: readonly CatalogueCard[]): readonly Check[] {
  const { index, name, driver, memoryBytes, usedBytes, mig, slices, ecc, uncorrectedErrors } = card;
  const about = `card ${index}`;
  const problems: Check[] = [];
  const entry = cardOf(name, memoryBytes, catalogue);
  if (Number.parseInt(driver, 10) < LEAST_DRIVER)
    problems.push(failed(about, `its driver is ${driver}`, `update it to ${LEAST_DRIVER} or later`));
  if (mig === true && slices.length === 0)
    problems.push(
      failed(
        about,
        'MIG is on, and it has no slice',
        `nvidia-smi mig -i ${index} -cgi ... -C, or turn MIG off: nvidia-smi -i ${index} -mig 0`,
      ),
    );
  if ((uncorrectedErrors ?? 0) > 0)
    problems.push(
      failed(
        about,
        `${uncorrectedErrors} errors of its memory that were not corrected`,
        `nvidia-smi -i ${index} -r, and have it replaced if they come again: a flipped bit costs the proof`,
      ),
    );
  if (/^prohibited$/i.test(card.computeMode ?? ''))
    problems.push(failed(about, 'its compute mode prohibits work', `nvidia-smi -i ${index} -c DEFAULT`));
  if ((card.temperatureC ?? 0) >= TOO_HOT_C)
    problems.push(
      failed(about, `${card.temperatureC} C: it slows down or stops`, 'look at fans, dust and the room'),
    );
  else if ((card.temperatureC ?? 0) >= HOT_C)
    problems.push(
      warning(about, `${card.temperatureC} C: it may slow down`, 'look at fans, dust and the room'),
    );
  if (ecc === false)
    problems.push(
      warning(
        about,
        'ECC is off: a flipped bit costs a proof',
        `nvidia-smi -i ${index} -e 1, then restart; some memory goes for it`,
      ),
    );
  if (memoryBytes !== undefined && usedBytes !== undefined && usedBytes > HELD_SHARE * memoryBytes)
    problems.push(
      warning(
        about,
        `${gibibytes(usedBytes)} of its memory are held by others`,
        'end what else runs on it: what is held is not proven',
      ),
    );
  if (card.link && card.link.width < FEW_LANES)
    problems.push(
      warning(
        about,
        `PCIe x${card.link.width}`,
        'put it into a slot of 16 lanes: openings leave the card through it',
      ),
    );
  if (!entry)
    problems.push(
      warning(
        about,
        `${name} is not in the catalogue: it is proven by size (gpu-4096 and up)`,
        'name a file with its figures: --catalogue FILE (docs/guide/doctor.md)',
      ),
    );
  return [ok(about, describe(card, entry)), ...problems];
}

function describe(card: SmiCard, entry: CatalogueCard | undefined): string {
  const {
    name,
    driver,
    memoryBytes,
    clockHz,
    maxClockHz,
    mig,
    slices,
    ecc,
    temperatureC,
    powerW,
    powerLimitW,
  } = card;
  return [
    name,
    `driver ${driver}`,
    memoryBytes === undefined ? undefined : gibibytes(memoryBytes),
    maxClockHz === undefined
      ? undefined
      : `${clockHz === undefined ? '' : `${Math.round(clockHz / 1e6)} of `}${Math.round(maxClockHz / 1e6)} MHz`,
    mig === undefined
      ? 'no MIG'
      : mig
        ? `MIG: ${slices.map(({ profile }) => profile).join(' ') || 'no slice'}`
        : 'MIG off',
    ecc === undefined ? 'no ECC' : ecc ? 'ECC on' : 'ECC off',
    temperatureC === undefined ? undefined : `${temperatureC} C`,
    powerW === undefined
      ? undefined
      : `${Math.round(powerW)}${powerLimitW === undefined ? '' : ` of ${Math.round(powerLimitW)}`} W`,
    entry
      ? entry.class === undefined
        ? `catalogue: ${entry.name}, proven by size`
        : `class ${entry.class}`
      : undefined,
  ]
    .filter((each) => each !== undefined)
    .join(', ');
}
