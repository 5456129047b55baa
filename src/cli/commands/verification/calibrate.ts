// Owns: `assay verification calibrate`. Does not own: measuring and what follows (verification), the file (calibration-file.ts).
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import Table from 'cli-table3';
import { z } from 'zod';
import { toHex } from '../../../model/bytes.js';
import { isNear } from '../../../model/near.js';
import {
  type Advised,
  advise,
  type Figure,
  type Figures,
  figuresOf,
  spreadOf,
} from '../../../verification/calibration.js';
import { paramsId } from '../../../verification/checked-params.js';
import { deviceByClass, WINDOW_MS } from '../../../verification/classes.js';
import { COMPUTE_PARAMS, type ComputeParams } from '../../../verification/kinds/compute/params.js';
import { measure } from '../../../verification/measure.js';
import { systemParts } from '../../assemble.js';
import {
  type Calibration,
  calibrationText,
  isSignedByItsHotkey,
  readCalibration,
  type SignedCalibration,
  signCalibration,
} from '../../calibration-file.js';
import { integerBetween, loadFlags } from '../../config.js';
import { factLines } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, PLAIN, print, printJson, stderrLog } from '../../output.js';
import { hotkeySigner, walletFlags } from '../../signers.js';
import { openWholeFile } from '../../whole-file.js';

const path = z.string().min(1).max(4096);
const schema = z.strictObject({
  ...walletFlags,
  class: z.string().max(64).optional(),
  n: integerBetween(16, 16_384, 'a side').optional(),
  runs: integerBetween(1, 100, 'runs').default(5),
  threads: integerBetween(1, 256, 'threads').optional(),
  memoryGib: integerBetween(1, 4096, 'GiB').optional(),
  out: path.optional(),
  check: path.optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof schema>;

/** Of what is free: others live here too. */
const MEMORY_SHARE = 0.5;

export async function calibrate(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  if (options.check !== undefined) return check(options.check, options.json);
  const set = setOf(options);
  // a long run must not end with a file that cannot be written, or a key that is not there
  const place =
    options.out === undefined ? undefined : await openWholeFile(options.out, `--out ${options.out}`);
  const signer = place && (await hotkeySigner(options, signal));
  const keypair = await signer?.unlock();
  const calibration = await measureClass(set, options, signal);
  const signed = keypair && signCalibration(calibration, keypair);
  if (place && signed) await place.write(calibrationText(signed));
  if (options.json) printJson(signed ?? { calibration });
  else {
    print(textOf(calibration));
    if (place && signed) print(`signed by ${signed.hotkey}, written to ${place.target}`);
  }
  return EXIT.ok;
}

interface Subject extends Pick<ComputeParams, 'n' | 'labels' | 'nominalLabels' | 'windowMs'> {
  readonly class: string;
  readonly id: string | undefined;
}

function setOf({ class: name, n }: Options): Subject {
  if (name !== undefined && n !== undefined) throw invalid('--n', 'either --class or --n', 'both');
  if (n !== undefined) {
    if (!Number.isInteger(Math.log2(n))) throw invalid('--n', 'a power of two in 16..16384', String(n));
    return { class: `n-${n}`, id: undefined, n, labels: 65_536, nominalLabels: 1, windowMs: WINDOW_MS };
  }
  const wanted = name ?? 'cpu-2048';
  const found = COMPUTE_PARAMS.find((params) => params.class === wanted);
  if (found) return { ...found, id: toHex(paramsId(found)) };
  const names = COMPUTE_PARAMS.map((params) => params.class);
  const near = names.filter((known) => isNear(wanted, known));
  throw invalid(
    '--class',
    `one of ${names.join(', ')}`,
    `${wanted}${near[0] ? `; did you mean ${near[0]}?` : ''}`,
  );
}

async function measureClass(set: Subject, options: Options, signal: AbortSignal): Promise<Calibration> {
  const { n, windowMs } = set;
  const { runs, threads = 0, memoryGib } = options;
  const cores = availableParallelism();
  const limit = memoryGib === undefined ? freemem() * MEMORY_SHARE : memoryGib * 2 ** 30;
  const capacity = Math.min(set.labels, Math.floor(limit / (1.1 * n * n)));
  if (capacity < 1)
    throw invalid('memory', `room for a label of ${n} x ${n}`, `${Math.floor(limit / 2 ** 20)} MiB of it`);
  const { openCpu } = await import('../../../compute/probe.js');
  const say = (what: string) => process.stderr.write(`${what}\n`);
  if (deviceByClass(set.class) && !options.json)
    say(`no backend of this build computes on a GPU: ${set.class} is measured on the CPUs of this host`);
  const compute = await openCpu({ log: stderrLog('warn'), threads });
  try {
    const measured = await measure(
      {
        devices: { compute },
        random: systemParts.random,
        now: () => performance.now(),
        onStep: options.json ? () => {} : say,
      },
      { n, capacity, windowMs, runs },
      signal,
    );
    const figures = figuresOf(measured, { n, cores: threads || cores });
    return {
      version: 1,
      measuredAt: new Date(systemParts.clock.now()).toISOString(),
      host: {
        cpu: cpus()[0]?.model.trim() ?? 'unknown',
        cores,
        memoryBytes: totalmem(),
        node: process.version,
        backend: compute.name,
        threads: threads || cores,
        gpu: false,
      },
      class: set.class,
      ...(set.id === undefined ? {} : { paramsId: set.id }),
      n,
      windowMs,
      runs,
      figures,
      ...advised(figures, set, totalmem()),
    };
  } finally {
    await compute.close?.();
  }
}

/** Another device's class is not changed for what this one does, nor is a size that no class has. */
function advised(
  figures: Figures,
  set: Subject,
  memoryBytes: number,
): { advice: Calibration['advice']; notes: string[] } {
  if (set.id === undefined)
    return { advice: [], notes: [`n = ${set.n} by itself is no class: nothing to change`] };
  if (deviceByClass(set.class) || set.class.startsWith('gpu-'))
    return {
      advice: [],
      notes: [`measured on CPUs: it shows what the work is, and says nothing of ${set.class}`],
    };
  if (set.class === 'paced')
    return { advice: [], notes: ['simulated devices declare their rate: nothing measured changes it'] };
  const { advice, notes }: Advised = advise(figures, set, memoryBytes);
  return { advice: [...advice], notes: [...notes] };
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

const ROWS: readonly (readonly [keyof Figures, string, (value: number) => string])[] = [
  ['productOpsPerS', 'product alone', (v) => `${(v / 1e9).toFixed(1)} Gop/s`],
  ['hashBytesPerS', 'SHA-256, one thread', (v) => `${(v / 1e9).toFixed(2)} GB/s`],
  ['labelMs', 'one label', (v) => `${v.toFixed(1)} ms`],
  ['rootsMs', 'roots of all', (v) => `${v.toFixed(1)} ms`],
  ['labelsInWindow', 'labels in a window', (v) => v.toFixed(1)],
  ['productShare', 'of a label: product', (v) => `${(100 * v).toFixed(0)} %`],
  ['hashShare', 'of a label: hashing', (v) => `${(100 * v).toFixed(0)} %`],
  ['otherShare', 'of a label: the rest', (v) => `${(100 * v).toFixed(0)} %`],
  ['passBytesPerS', 'a pass', (v) => `${(v / 1e9).toFixed(2)} GB/s`],
];

function textOf(calibration: Calibration): string {
  const { host, n, windowMs, runs, figures, advice, notes } = calibration;
  const table = new Table({ head: ['figure', 'median', 'least', 'most', 'spread'], style: PLAIN });
  for (const [key, name, shown] of ROWS) {
    const figure: Figure | undefined = figures[key];
    if (figure)
      table.push([
        name,
        shown(figure.median),
        shown(figure.min),
        shown(figure.max),
        `${(100 * spreadOf(figure)).toFixed(0)} %`,
      ]);
  }
  return [
    factLines([
      ['class', calibration.class],
      ['n, window', `${n}, ${windowMs} ms`],
      ['host', `${host.cores} x ${host.cpu}`],
      ['products', `${host.backend}, ${host.threads} threads${host.gpu ? '' : '; no GPU'}`],
      ['measured', `${calibration.measuredAt}, ${runs} runs`],
    ]),
    table.toString(),
    ...advice.map(
      ({ parameter, from, to, why }) => `would change ${parameter}: ${from} -> ${to}, for ${why}`,
    ),
    ...(advice.length === 0 ? ['would change nothing'] : []),
    ...notes,
  ].join('\n');
}
