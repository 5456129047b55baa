// Owns: asking nvidia-smi what cards there are and how they are, and reading what it prints: whatever it prints. Does not own:
// what a card can do (proofs), the driver's library (compute/cuda/nvml.ts, where koffi is installed), what is wrong (host-checks.ts).
import type { ProgramQuestions, Said } from '../host-facts.js';

/** The driver wakes cards up first, which takes seconds where nothing keeps it awake. */
const ASK_MS = 15_000;
/** More than any host has; a table without end is none. */
const MOST_CARDS = 64;
const MOST_TEXT = 120;

/** In the order in which they are asked for, and printed. `[N/A]` and words like it are `undefined`. */
const FIELDS = [
  'index',
  'uuid',
  'name',
  'driver_version',
  'memory.total',
  'memory.used',
  'clocks.max.sm',
  'clocks.max.memory',
  'clocks.sm',
  'mig.mode.current',
  'ecc.mode.current',
  'ecc.errors.uncorrected.volatile.total',
  'temperature.gpu',
  'power.draw',
  'power.limit',
  'utilization.gpu',
  'compute_mode',
  'persistence_mode',
  'pcie.link.gen.current',
  'pcie.link.width.current',
] as const;

export interface SmiCard {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly driver: string;
  readonly memoryBytes: number | undefined;
  readonly usedBytes: number | undefined;
  readonly maxClockHz: number | undefined;
  readonly maxMemoryClockHz: number | undefined;
  readonly clockHz: number | undefined;
  /** undefined: the card cannot be cut */
  readonly mig: boolean | undefined;
  /** by `nvidia-smi -L`; empty where MIG is off */
  readonly slices: readonly SmiSlice[];
  /** undefined: the card has none */
  readonly ecc: boolean | undefined;
  /** since the driver was loaded */
  readonly uncorrectedErrors: number | undefined;
  readonly temperatureC: number | undefined;
  readonly powerW: number | undefined;
  readonly powerLimitW: number | undefined;
  readonly busyPercent: number | undefined;
  readonly computeMode: string | undefined;
  readonly persistence: boolean | undefined;
  readonly link: { readonly generation: number; readonly width: number } | undefined;
}

export interface SmiSlice {
  /** e.g. `1g.5gb`, `1c.3g.20gb` */
  readonly profile: string;
  readonly uuid: string;
}

export type Smi =
  | {
      readonly state: 'read';
      readonly cards: readonly SmiCard[];
      /** lines that tell of no card as it should be told of: one that was lost among others */
      readonly unread: readonly string[];
    }
  /** `why` in its own words where it has some */
  | { readonly state: 'absent'; readonly why: string }
  | { readonly state: 'failed'; readonly why: string };

/** Never rejects: a host without cards is a host. */
export async function askNvidiaSmi(ask: ProgramQuestions): Promise<Smi> {
  const { said, fields } = await askFields(ask);
  if (said.is === 'not-there') return { state: 'absent', why: 'there is no nvidia-smi on this host' };
  if (said.is === 'late')
    return { state: 'failed', why: `nvidia-smi did not answer within ${ASK_MS / 1000} s` };
  const read = parseCards(said.out, fields);
  if (!read) return wordsOf(said.is === 'failed' ? said.out || said.err : said.out);
  const cut = read.cards.some(({ mig }) => mig === true);
  const list = cut ? await ask.says('nvidia-smi', ['-L'], ASK_MS) : undefined;
  const slices = list?.is === 'done' ? parseSlices(list.out) : new Map<string, readonly SmiSlice[]>();
  return {
    state: 'read',
    cards: read.cards.map((card) => ({ ...card, slices: slices.get(card.uuid) ?? [] })),
    unread: read.unread,
  };
}

type Field = (typeof FIELDS)[number];

/** Each version of it has fields that others do not know, and which fails over them: without those it is asked once more. */
async function askFields(
  ask: ProgramQuestions,
): Promise<{ readonly said: Said; readonly fields: readonly Field[] }> {
  let fields: readonly Field[] = FIELDS;
  for (;;) {
    const query = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
    const said = await ask.says('nvidia-smi', query, ASK_MS);
    const [, refused] =
      said.is === 'failed'
        ? (/^Field "([\w.]{1,64})" is not a valid field/m.exec(said.out + said.err) ?? [])
        : [];
    const left = fields.filter((field) => field !== refused);
    if (left.length === fields.length) return { said, fields };
    fields = left;
  }
}

/** It says why in a sentence, on either stream, mostly. */
function wordsOf(text: string): Smi {
  const why = plain(text.split('\n').find((line) => line.trim() !== ''));
  if (why === undefined) return { state: 'failed', why: 'nvidia-smi printed nothing' };
  if (/^No devices were found/i.test(why)) return { state: 'absent', why };
  return { state: 'failed', why: `nvidia-smi says: ${why}` };
}

/**
 * @param fields that were asked for
 * @returns undefined for what is no table of them at all
 */
export function parseCards(
  out: string,
  fields: readonly Field[] = FIELDS,
): { readonly cards: readonly Omit<SmiCard, 'slices'>[]; readonly unread: readonly string[] } | undefined {
  const lines = out.split('\n').filter((line) => line.trim() !== '');
  if (lines.length > MOST_CARDS) return undefined;
  const cards: Omit<SmiCard, 'slices'>[] = [];
  const unread: string[] = [];
  for (const line of lines) {
    const card = toCard(line, fields);
    if (card) cards.push(card);
    else unread.push(plain(line) ?? 'a line without words');
  }
  return cards.length === 0 ? undefined : { cards, unread };
}

function toCard(line: string, fields: readonly Field[]): Omit<SmiCard, 'slices'> | undefined {
  const values = line.split(',').map((value) => value.trim());
  if (values.length !== fields.length) return undefined;
  const field = (name: Field): string => values[fields.indexOf(name)] ?? ''; // this version of it may not know the field
  const text = (name: Field): string | undefined => {
    const value = plain(field(name));
    return value === undefined || ABSENT.test(value) ? undefined : value;
  };
  const number = (name: Field, times = 1): number | undefined => {
    const value = field(name);
    return /^\d{1,12}(\.\d{1,6})?$/.test(value) ? Number(value) * times : undefined;
  };
  const enabled = (name: Field): boolean | undefined => ({ Enabled: true, Disabled: false })[field(name)];
  const [index, uuid, name, driver] = [number('index'), text('uuid'), text('name'), text('driver_version')];
  if (index === undefined || name === undefined || driver === undefined || !/^GPU-[\w-]+$/.test(uuid ?? ''))
    return undefined;
  const [generation, width] = [number('pcie.link.gen.current'), number('pcie.link.width.current')];
  return {
    index,
    uuid: uuid!, // as matched
    name,
    driver,
    memoryBytes: number('memory.total', 2 ** 20),
    usedBytes: number('memory.used', 2 ** 20),
    maxClockHz: number('clocks.max.sm', 1e6),
    maxMemoryClockHz: number('clocks.max.memory', 1e6),
    clockHz: number('clocks.sm', 1e6),
    mig: enabled('mig.mode.current'),
    ecc: enabled('ecc.mode.current'),
    uncorrectedErrors: number('ecc.errors.uncorrected.volatile.total'),
    temperatureC: number('temperature.gpu'),
    powerW: number('power.draw'),
    powerLimitW: number('power.limit'),
    busyPercent: number('utilization.gpu'),
    computeMode: text('compute_mode'),
    persistence: enabled('persistence_mode'),
    link: generation === undefined || width === undefined ? undefined : { generation, width },
  };
}

/** How the versions of it say that there is nothing to say. */
const ABSENT =
  /^\[?(N\/A|Not Supported|Not Available|Unknown Error|GPU requires reset|GPU is lost|Insufficient Permissions|Requested functionality has been deprecated)\]?$/i;

/** `nvidia-smi -L`: a line for each card, and under it one for each slice. By the card's UUID. */
export function parseSlices(out: string): ReadonlyMap<string, readonly SmiSlice[]> {
  const slices = new Map<string, SmiSlice[]>();
  let own: SmiSlice[] | undefined;
  for (const line of out.split('\n').slice(0, 16 * MOST_CARDS)) {
    const card = /^GPU \d+: .*\(UUID: (GPU-[\w-]{1,64})\)\s*$/.exec(line)?.[1];
    if (card !== undefined) {
      own = [];
      slices.set(card, own);
    }
    const [, profile, uuid] =
      /^\s+MIG ((?:\d+c\.)?\d+g\.\S{1,24})\s+Device\s+\d+: \(UUID: (MIG-[\w/-]{1,96})\)/.exec(line) ?? [];
    if (profile !== undefined && uuid !== undefined) own?.push({ profile, uuid });
  }
  return slices;
}

/** Printable ASCII, and short: drivers are believed nothing, and least what reaches a terminal. */
function plain(text: string | undefined): string | undefined {
  const kept = text
    ?.replace(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, MOST_TEXT);
  return kept === '' ? undefined : kept;
}
