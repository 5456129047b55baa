// What audits find, on weights that have learned something: the share of each liar's rollouts that are wrong, windows to its
// conviction, and honest rollouts found wrong. Beside `npm run bench` it is a command of its own, for as long as one has time:
//   npx tsx benchmarks/rollouts/detect.bench.ts [--steps 400] [--windows 10] [--honest 2000] [--short 20000] [--engine onnx]
//     [--judge plain] [--tokens 512] [--lies int8,stale-10]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LanguageModel } from '../../src/inference/language-model.js';
import type { Master } from '../../src/inference/master.js';
import { createOnnxModel } from '../../src/inference/onnx/model.js';
import { createPlainModel } from '../../src/inference/plain/model.js';
import { END_OF_TEXT } from '../../src/inference/spec/byte-ids.js';
import type { Policy } from '../../src/inference/spec/policy.js';
import { toleranceUnits } from '../../src/inference/spec/race.js';
import { readyKeys } from '../../src/keys/keypair.js';
import {
  type CalibrationParts,
  type CalibrationStep,
  calibrate,
} from '../../src/testing/rollouts/calibrate.js';
import { quantised } from '../../src/testing/rollouts/liars/altered.js';
import { tokenLiars } from '../../src/testing/rollouts/liars/token-liars.js';
import { attackRow, type Calibration, legalRollouts } from '../../src/verification/rollouts/calibration.js';
import { FP32_BOUND_PPB, FP32_DELTA } from '../../src/verification/rollouts/rules.js';
import { FINE_RATE, sums, type Trained, train } from './trained.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const GROUPS = 8;
const POLICY: Policy = {
  temperature: '1',
  candidates: 64,
  maxTokens: 64,
  stopIds: [END_OF_TEXT],
  rolloutsPerGroup: 4,
  environmentDigest: sums.digest,
};
const ALL = GROUPS * POLICY.rolloutsPerGroup;

/**
 * All rollouts of a window are judged, so that few windows say much; pay and detectors see a few of them: six whole, or eight long ones
 * of which one whole and seven where they are sampled.
 */
const WHOLE = { perWindow: 6, draw: { rollouts: ALL, deep: ALL, positions: 0 } };
const LONG = { perWindow: 8, draw: { rollouts: ALL, deep: ALL / 8, positions: 32 } };

/** Completion tokens of a short one: many rollouts in minutes. */
const SHORT = 8;

type Engine = 'plain' | 'onnx';

interface Size {
  /** completion tokens at most. @default 64 */
  readonly maxTokens?: number;
  readonly windows: number;
  readonly honest: number;
  /** of the miner */
  readonly engine: Engine;
  /** of the judge and of liars: what is found is theirs and not the engine's. @default plain */
  readonly judge?: Engine | undefined;
  /** answers as long as maxTokens, judged where they are sampled. @default false */
  readonly long?: boolean;
  /** @default all of tokens */
  readonly lies?: readonly string[] | undefined;
  readonly seed: string;
  readonly onStep?: (step: CalibrationStep) => void;
}

const TRAINING = { batch: 16, learningRate: 3e-3 };

/** @returns what a calibration has, with windows to convict at as many rollouts as a window has drawn */
export async function detect(
  { master, before }: Trained,
  {
    maxTokens = POLICY.maxTokens,
    windows,
    honest,
    engine,
    judge = 'plain',
    long = false,
    lies,
    seed,
    onStep = () => {},
  }: Size,
  signal: AbortSignal,
): Promise<Calibration> {
  await readyKeys();
  const opened: LanguageModel[] = [];
  const { perWindow, draw } = long ? LONG : WHOLE;
  const open = async (of: Master, kind: Engine): Promise<LanguageModel> => {
    const model = kind === 'onnx' ? await createOnnxModel(of, { threads: 1 }) : createPlainModel(of);
    opened.push(model);
    return model;
  };
  try {
    const stale = async (behind: number): Promise<LanguageModel> => open(before.get(behind)!, judge);
    const parts: CalibrationParts = {
      miner: await open(master, engine),
      verifier: await open(master, judge),
      substitutes: {
        int8: await open(quantised(master, 8), judge),
        int4: await open(quantised(master, 4), judge),
        'stale-1': await stale(1),
        'stale-2': await stale(2),
        'stale-5': await stale(5),
        'stale-10': await stale(10),
      },
      environment: sums,
      policy: { ...POLICY, maxTokens },
      checkpointDigest: master.digest,
    };
    const plan = {
      seed,
      noiseRollouts: Math.min(999, honest),
      alphaPpm: Math.max(1000, Math.ceil(1e6 / (Math.min(999, honest) + 1))),
      leastTolerance: toleranceUnits(FP32_DELTA),
      acceptanceRollouts: honest,
      liars: windows > 0 ? tokenLiars.filter(({ name }) => lies?.includes(name) ?? true) : [],
      attackWindows: windows,
      groups: GROUPS,
      draw,
      weights: 'trained' as const,
      without: [],
    };
    const done = { noise: [], acceptance: [], attacks: [] };
    const calibration = await calibrate(parts, plan, { done, onStep }, signal);
    // the bound that audits are shipped with: that of few honest rollouts says little, and would slow every conviction
    const rows = calibration.attacks.rows.map((row) => attackRow(row, perWindow, FP32_BOUND_PPB));
    return { ...calibration, attacks: { ...calibration.attacks, rows } };
  } finally {
    await Promise.all(opened.map((model) => model.close()));
  }
}

export default async function bench(emit: Emit): Promise<void> {
  const trained = train('detect', { steps: 60, ...TRAINING });
  const size = { windows: 2, honest: 320, engine: 'plain' as const, seed: 'bench' };
  const { acceptance, attacks } = await detect(trained, size, new AbortController().signal);
  const bench = `trained 90k decoder, ${trained.loss.toFixed(2)} nats a byte`;
  emit({
    bench,
    metric: `honest rollouts found wrong, of ${acceptance.rollouts}`,
    value: acceptance.wrong,
    unit: '',
  });
  for (const { name, wrong, judged, windowsToConvict } of attacks.rows) {
    emit({
      bench,
      metric: `${name}: rollouts wrong, of ${judged}`,
      value: (100 * wrong) / judged,
      unit: '%',
    });
    emit({ bench, metric: `${name}: windows to convict (0: never)`, value: windowsToConvict, unit: '' });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      steps: { type: 'string', default: '400' },
      windows: { type: 'string', default: '10' },
      honest: { type: 'string', default: '2000' },
      short: { type: 'string', default: '20000' },
      engine: { type: 'string', default: 'onnx' },
      judge: { type: 'string', default: 'plain' },
      /** long answers, that none ends before; without it they have one */
      tokens: { type: 'string' },
      lies: { type: 'string' },
      seed: { type: 'string', default: 'detect' },
    },
  });
  const began = performance.now();
  const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`;
  const tokens = values.tokens === undefined ? undefined : Number(values.tokens);
  const trained = train('detect', { steps: Number(values.steps), ...TRAINING, tokens });
  console.log(`loss ${trained.loss.toFixed(3)} nats a byte; stale by steps of ${FINE_RATE}; ${seconds()}`);
  const [engine, judge] = [values.engine, values.judge].map((name) =>
    name === 'onnx' ? 'onnx' : 'plain',
  ) as [Engine, Engine];
  const lies = values.lies?.split(',');
  const { signal } = new AbortController();
  const measured = async (
    what: string,
    size: Omit<Size, 'engine' | 'judge' | 'lies' | 'onStep'>,
  ): Promise<Calibration> => {
    let windows = 0;
    const onStep = ({ part, result }: CalibrationStep): void => {
      if (part === 'attacks') console.error(`${result.name}, ${seconds()}`);
      else if (++windows % 50 === 0) console.error(`${what}, ${windows} windows, ${seconds()}`);
    };
    const calibration = await detect(trained, { ...size, engine, judge, lies, onStep }, signal);
    const { noise, acceptance, tolerance, verifier, miner } = calibration;
    console.log(
      `${what}: ${miner.engine} before ${verifier.engine}; ${acceptance.wrong} wrong of ${acceptance.rollouts}, ${acceptance.tokens} tokens; bound ${acceptance.boundPpb} ppb`,
    );
    console.log(
      `  noise ${noise.quantile / 2 ** 20} at ${noise.alphaPpm} in a million of ${noise.rollouts}; Gini ${noise.giniPpm / 1e6}; delta ${tolerance / 2 ** 20}, e^(lambda T) ${legalRollouts(calibration)}; ${seconds()}`,
    );
    return calibration;
  };
  const [windows, honest, short] = [values.windows, values.honest, values.short].map(Number) as [
    number,
    number,
    number,
  ];
  const { attacks } = await measured(
    tokens === undefined ? 'whole' : 'long',
    tokens === undefined
      ? { windows, honest, seed: values.seed }
      : { windows, honest, seed: `${values.seed} long`, maxTokens: tokens, long: true },
  );
  console.table(
    attacks.rows.map(({ name, judged, wrong, farPpm, windowsToConvict }) => ({
      lie: name,
      'wrong, %': Number(((100 * wrong) / judged).toPrecision(3)),
      judged,
      'false accepts, %': farPpm / 1e4,
      'windows to convict': windowsToConvict,
    })),
  );
  if (short > 0)
    await measured('short', { windows: 0, honest: short, maxTokens: SHORT, seed: `${values.seed} short` });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
