// Owns: `assay verification calibrate`. Does not own: what is measured for each kind (calibration-subjects.ts), what follows from it
// (verification/calibration), the file (calibration-file.ts).
import { availableParallelism, cpus, totalmem } from 'node:os';
import { z } from 'zod';
import { toHex } from '../../../model/bytes.js';
import { isNear } from '../../../model/near.js';
import { achieved, type Measured, spreadOf, type Unit } from '../../../verification/calibration/figures.js';
import { suggestedClass } from '../../../verification/catalogue.js';
import { paramsId } from '../../../verification/checked-params.js';
import { deviceByClass } from '../../../verification/classes.js';
import { kinds } from '../../../verification/kinds/index.js';
import {
  type Calibration,
  calibrationText,
  isSignedByItsHotkey,
  readCalibration,
  type SignedCalibration,
  signCalibration,
} from '../../calibration-file.js';
import {
  CALIBRATED,
  type CalibrationOptions,
  type Measurement,
  measureSide,
} from '../../calibration-subjects.js';
import { integerBetween, loadFlags } from '../../config.js';
import { flagOf } from '../../config-keys.js';
import { factLines, scaled } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { type Card, deviceOf } from '../../one-device.js';
import { EXIT, print, printJson } from '../../output.js';
import { sayWhile } from '../../progress.js';
import { hotkeySigner, walletFlags } from '../../signers.js';
import { Table } from '../../table.js';
import { openWholeFile } from '../../whole-file.js';

const path = z.string().min(1).max(4096);
const schema = z.strictObject({
  ...walletFlags,
  kind: z.string().max(32).optional(),
  class: z.string().max(64).optional(),
  n: integerBetween(16, 16_384, 'a side').optional(),
  runs: integerBetween(1, 100, 'runs').optional(),
  threads: integerBetween(1, 256, 'threads').optional(),
  memoryGib: integerBetween(1, 4096, 'GiB').optional(),
  plots: z.array(path).min(1).max(64).optional(),
  folder: path.optional(),
  device: z.string().min(1).max(32).optional(),
  gib: integerBetween(1, 65_536, 'GiB').optional(),
  out: path.optional(),
  check: path.optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof schema>;

const DEFAULT_KIND = 'compute';
/** Read from memory as often as not; a plot of one's own (--plots) is what shows a disk. */
const DEFAULT_GIB = 1;
/** What has a meaning for some kinds only. */
const ONLY_FOR: Readonly<Record<string, readonly string[]>> = {
  n: ['compute'],
  memoryGib: ['compute', 'memory', 'liveness', 'host-memory'],
  plots: ['storage'],
  folder: ['storage'],
  gib: ['storage'],
  device: ['compute', 'memory', 'liveness'],
};

export async function calibrate(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  if (options.check !== undefined) return check(options.check, options.json);
  const card = await deviceOf(options.device);
  const subject = subjectOf(options, card);
  // a long run must not end with a file that cannot be written, or a key that is not there
  const place =
    options.out === undefined ? undefined : await openWholeFile(options.out, `--out ${options.out}`);
  const signer = place && (await hotkeySigner(options, signal));
  const keypair = await signer?.unlock();
  const calibration = await sayWhile('measuring', () => measured(subject, options, card, signal));
  const signed = keypair && signCalibration(calibration, keypair);
  if (place && signed) await place.write(calibrationText(signed));
  if (options.json) printJson(signed ?? { calibration });
  else {
    print(textOf(calibration));
    if (place && signed) print(`signed by ${signed.hotkey}, written to ${place.target}`);
  }
  return EXIT.ok;
}

interface Subject {
  readonly kind: string;
  readonly class: string;
  /** undefined where n was given by itself */
  readonly id: string | undefined;
  readonly isSimulated: boolean;
  readonly runs: number;
  measure(options: CalibrationOptions, signal: AbortSignal): Promise<Measurement>;
}

function subjectOf(options: Options, card: Card | undefined): Subject {
  const { kind = DEFAULT_KIND, n, class: name } = options;
  const calibrated = Object.hasOwn(CALIBRATED, kind) ? CALIBRATED[kind] : undefined;
  if (!calibrated) throw invalid('--kind', `one of ${Object.keys(CALIBRATED).join(', ')}`, kind);
  for (const [key, only] of Object.entries(ONLY_FOR))
    if (options[key as keyof Options] !== undefined && !only.includes(kind))
      throw invalid(flagOf(key), `it for ${only.join(', ')}`, kind);
  if (options.plots !== undefined && options.gib !== undefined)
    throw invalid('--gib', 'either --plots or --gib', 'both');
  const { defaultClass, defaultRuns } = calibrated;
  const runs = options.runs ?? defaultRuns;
  if (n !== undefined) {
    if (name !== undefined) throw invalid('--n', 'either --class or --n', 'both');
    if (!Number.isInteger(Math.log2(n))) throw invalid('--n', 'a power of two in 16..16384', String(n));
    const measure: Subject['measure'] = (given, signal) => measureSide(n, given, signal);
    return { kind, class: `n-${n}`, id: undefined, isSimulated: false, runs, measure };
  }
  const { table, facts } = kinds[kind]!; // of each there is a kind
  const names = [...table.values()].map((params) => facts(params).className);
  const wanted = name ?? (card ? suggestedClass(card.name, card.memoryBytes) : defaultClass);
  if (wanted === undefined)
    throw invalid(
      '--class',
      `one of ${names.join(', ')}${ONLY_FOR['n']?.includes(kind) ? ', or --n' : ''}`,
      card ? `none, and no class is named after ${card.name}` : 'none, and no card by --device',
    );
  const params = [...table.values()].find((each) => facts(each).className === wanted);
  if (params === undefined) {
    const near = names.find((known) => isNear(wanted, known));
    throw invalid(
      '--class',
      `one of ${names.join(', ')}`,
      `${wanted}${near ? `; did you mean ${near}?` : ''}`,
    );
  }
  return {
    kind,
    class: wanted,
    id: toHex(paramsId(params as object)), // parsed by its kind
    isSimulated: facts(params).localnetOnly,
    runs,
    measure: (given, signal) => calibrated.measure(params, given, signal),
  };
}

async function measured(
  subject: Subject,
  options: Options,
  card: Card | undefined,
  signal: AbortSignal,
): Promise<Calibration> {
  const cores = availableParallelism();
  const say = (what: string) => process.stderr.write(`${what}\n`);
  if (isForCards(subject.class) && !card && !options.json)
    say(`${subject.class} is measured on the CPUs of this host: --device names a card (assay miner devices)`);
  const { threads, memoryGib, plots, folder, gib = DEFAULT_GIB } = options;
  const onStep = options.json ? () => {} : say;
  const given = { runs: subject.runs, threads, memoryGib, plots, folder, gib, onStep, card };
  const { device, figures, ...found } = await subject.measure(given, signal);
  const { advice, notes } = advised(subject, found, card !== undefined);
  const { limits } = found;
  return {
    version: 2,
    measuredAt: new Date().toISOString(),
    host: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores,
      memoryBytes: totalmem(),
      node: process.version,
      device,
      threads: threads ?? cores,
      gpu: card !== undefined,
    },
    kind: subject.kind,
    class: subject.class,
    ...(subject.id === undefined ? {} : { paramsId: subject.id }),
    runs: subject.runs,
    figures: [...figures],
    advice: [...advice],
    notes: [...notes, ...limits],
  };
}

const isForCards = (name: string): boolean => deviceByClass(name) !== undefined || name.startsWith('gpu-');

type Advised = Pick<Measurement, 'advice' | 'notes'>;

/** Another device's class is not changed for what this one does, nor is a size that no class has. */
function advised({ class: name, id, isSimulated }: Subject, found: Advised, onCard: boolean): Advised {
  const none = (why: string): Advised => ({ advice: [], notes: [why] });
  if (id === undefined) return none(`${name.replace('-', ' = ')} by itself is no class: nothing to change`);
  if (isForCards(name) && !onCard)
    return none(`measured on CPUs: it shows what the work is, and says nothing of ${name}`);
  if (isSimulated)
    return none(`${name} is for simulated devices and small tests: nothing measured changes it`);
  return found;
}

async function check(file: string, json: boolean): Promise<number> {
  const signed: SignedCalibration = await readCalibration(file);
  const isValid = await isSignedByItsHotkey(signed);
  if (json) printJson({ isValid, ...signed });
  else {
    print(textOf(signed.calibration));
    print(
      isValid ? `valid: signed by ${signed.hotkey}` : `not valid: no signature of ${signed.hotkey} over this`,
    );
  }
  return isValid ? EXIT.ok : EXIT.failed;
}

function textOf(calibration: Calibration): string {
  const { host, kind, runs, figures, advice, notes } = calibration;
  const table = new Table({
    head: ['figure', 'median', 'least', 'most', 'spread', 'reaches', 'class -> this host'],
  });
  const reached: string[] = [];
  for (const figure of figures as readonly Measured[]) {
    const { name, unit, median, min, max, peak, parameter } = figure;
    const share = achieved(figure);
    if (peak && share !== undefined)
      reached.push(`${name}: ${(100 * share).toFixed(0)} % of ${peak.of} (${shown(peak.value, unit)})`);
    table.push([
      name,
      shown(median, unit),
      shown(min, unit),
      shown(max, unit),
      `${(100 * spreadOf(figure)).toFixed(0)} %`,
      share === undefined ? '' : `${(100 * share).toFixed(0)} %`,
      parameter
        ? `${parameter.name} ${short(parameter.set)} -> ${short(parameter.here)} ${by(parameter)}`
        : '',
    ]);
  }
  return [
    factLines([
      ['class', `${kind}/${calibration.class}`],
      ['params id', calibration.paramsId],
      ['host', `${host.cores} x ${host.cpu}, ${(host.memoryBytes / 2 ** 30).toFixed(1)} GiB`],
      ['device', host.gpu ? host.device : `${host.device}, ${host.threads} threads; no GPU`],
      ['measured', `${calibration.measuredAt}, ${runs} runs`],
    ]),
    table.toString(),
    ...reached,
    ...advice.map(
      ({ parameter, from, to, why }) => `would change ${parameter}: ${from} -> ${to}, for ${why}`,
    ),
    ...(advice.length === 0 ? ['would change nothing'] : []),
    ...notes,
  ].join('\n');
}

const short = (amount: number): string => (amount < 100_000 ? `${amount}` : scaled(amount).trim());

/** `(+52 %)`, `(x 4.1)` */
function by({ set, here }: { readonly set: number; readonly here: number }): string {
  if (set === here) return '(the same)';
  if (set === 0) return '';
  const ratio = here / set;
  if (ratio >= 2) return `(x ${Number(ratio.toPrecision(2))})`;
  return `(${ratio > 1 ? '+' : '-'}${Number((100 * Math.abs(ratio - 1)).toPrecision(2))} %)`;
}

function shown(value: number, unit: Unit): string {
  switch (unit) {
    case 'share':
      return `${(100 * value).toFixed(0)} %`;
    case 'ms':
      return `${value.toFixed(1)} ms`;
    case 'ns':
      return `${value.toFixed(0)} ns`;
    case 'labels':
      return value.toFixed(1);
    case 'leaves/s':
    case 'sectors/s':
      return `${Number(value.toPrecision(3))} ${unit}`;
    default:
      return `${scaled(value)}${unit}`;
  }
}
