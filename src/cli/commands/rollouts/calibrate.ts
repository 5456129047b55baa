// Owns: `assay rollouts calibrate`. Does not own: the runs (testing/rollouts/calibrate.ts), what follows from them and the artefact
// (verification/rollouts/calibration.ts).
import { appendFile, readFile, truncate } from 'node:fs/promises';
import { z } from 'zod';
import type { LanguageModel } from '../../../inference/language-model.js';
import type { Master } from '../../../inference/master.js';
import { policyDigest } from '../../../inference/spec/policy.js';
import { profileDigest } from '../../../inference/spec/profile.js';
import { toleranceUnits } from '../../../inference/spec/race.js';
import { readyKeys, toAddress, verifySignature } from '../../../keys/index.js';
import { toHex, utf8 } from '../../../model/bytes.js';
import { canonicalJson } from '../../../model/canonical-json.js';
import { sha256 } from '../../../model/hash.js';
import { errnoOf } from '../../../model/invalid-input.js';
import {
  type CalibrationJournal,
  type CalibrationParts,
  type CalibrationPlan,
  type CalibrationStep,
  calibrate,
  seedsOf,
} from '../../../testing/rollouts/calibrate.js';
import { older, quantised } from '../../../testing/rollouts/liars/altered.js';
import { rolloutLiars } from '../../../testing/rollouts/liars/rollout-liars.js';
import { SUBSTITUTES } from '../../../testing/rollouts/liars/window.js';
import {
  type Calibration,
  calibrationBytes,
  calibrationDigest,
  FAR_LIMIT_PPM,
  isCovered,
  legalRollouts,
  loadCalibration,
  MAX_CALIBRATION_BYTES,
  recomputed,
  signCalibration,
  unanswered,
} from '../../../verification/rollouts/calibration.js';
import { drawRulesFor } from '../../../verification/rollouts/draw.js';
import { FP32_DELTA } from '../../../verification/rollouts/rules.js';
import { integerBetween, loadFlags } from '../../config.js';
import { factLines } from '../../facts.js';
import { readInputText } from '../../input-text.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { createProgress } from '../../progress.js';
import { choiceFlags, chosenOf, ENGINES, openEngine } from '../../rollout-choice.js';
import { hotkeySigner, walletFlags } from '../../signers.js';
import { Table } from '../../table.js';
import { openWholeFile } from '../../whole-file.js';

const path = z.string().min(1).max(4096);
const engine = z.enum(ENGINES);
const schema = z.strictObject({
  ...walletFlags,
  ...choiceFlags,
  miner: engine.default('plain'),
  verifier: engine.default('plain'),
  groups: integerBetween(1, 4096, 'groups').default(16),
  noiseRollouts: integerBetween(1, 1e7, 'rollouts').default(1000),
  alphaPpm: integerBetween(1, 500_000, 'millionths').default(1000),
  rollouts: integerBetween(1, 1e7, 'rollouts').default(20_000),
  attackWindows: integerBetween(1, 10_000, 'windows').default(30),
  delta: z.number().min(0).max(16).default(FP32_DELTA),
  stepRate: z.number().min(0).max(1).default(1e-5),
  without: z.array(z.string().max(64)).max(64).default([]),
  journal: path.optional(),
  out: path.optional(),
  check: path.optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof schema>;

export async function calibrateRollouts(
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const options = loadFlags(schema, flags);
  await readyKeys();
  if (options.check !== undefined) return check(options.check, options.json);
  for (const name of options.without)
    if (!rolloutLiars.some((liar) => liar.name === name))
      throw invalid('--without', `names of lies: ${rolloutLiars.map((liar) => liar.name).join(', ')}`, name);
  // a long run must not end with a file that cannot be written, or a key that is not there
  const place =
    options.out === undefined ? undefined : await openWholeFile(options.out, `--out ${options.out}`);
  const keypair = place && (await (await hotkeySigner(options, signal)).unlock());
  const opened: LanguageModel[] = [];
  try {
    const { parts, plan } = await prepare(options, opened, signal);
    const calibration = await run(options, parts, plan, signal);
    const open = unanswered(calibration);
    const signed = keypair && open.length === 0 ? signCalibration(calibration, keypair) : undefined;
    if (place && signed) await place.write(new TextDecoder().decode(signed));
    const digest = toHex(calibrationDigest(calibration));
    if (options.json)
      printJson({ ...jsonOf(calibration), digest, refused: open, written: signed !== undefined });
    else {
      print(textOf(calibration));
      if (place && signed) print(`signed by ${keypair?.address}, written to ${place.target}`);
      if (open.length > 0)
        print(
          `not shipped: more than ${FAR_LIMIT_PPM / 10_000} % of ${open.join(', ')} go through. Answer for them with --without, or draw more`,
        );
    }
    return open.length === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    await Promise.all(opened.map((model) => model.close()));
  }
}

async function prepare(
  options: Options,
  opened: LanguageModel[],
  signal: AbortSignal,
): Promise<{ parts: CalibrationParts; plan: CalibrationPlan }> {
  const { master, weights, environment, policy } = await chosenOf(options, signal);
  const open = async (of: Master, kind: Options['miner']): Promise<LanguageModel> => {
    signal.throwIfAborted();
    const model = await openEngine(kind, of);
    opened.push(model);
    return model;
  };
  const miner = await open(master, options.miner);
  const verifier = await open(master, options.verifier);
  const substitutes: Partial<Record<(typeof SUBSTITUTES)[number], LanguageModel>> = {};
  for (const name of SUBSTITUTES) {
    const altered =
      name === 'int8' || name === 'int4'
        ? quantised(master, name === 'int8' ? 8 : 4)
        : older(master, Number(name.slice('stale-'.length)), {
            learningRate: options.stepRate,
            seed: options.seed,
          });
    substitutes[name] = await open(altered, options.miner);
  }
  return {
    parts: { miner, verifier, substitutes, environment, policy, checkpointDigest: master.digest },
    plan: {
      seed: options.seed,
      noiseRollouts: options.noiseRollouts,
      alphaPpm: options.alphaPpm,
      leastTolerance: toleranceUnits(options.delta),
      acceptanceRollouts: options.rollouts,
      liars: rolloutLiars,
      attackWindows: options.attackWindows,
      groups: options.groups,
      draw: drawRulesFor(master.config.width),
      weights,
      without: options.without,
    },
  };
}

async function run(
  options: Options,
  parts: CalibrationParts,
  plan: CalibrationPlan,
  signal: AbortSignal,
): Promise<Calibration> {
  const setUp = toHex(setUpOf(parts, plan));
  const { journal: file } = options;
  const done = file === undefined ? NOTHING : await readJournal(file, setUp);
  const perWindow = plan.groups * parts.policy.rolloutsPerGroup;
  const total =
    Math.ceil(plan.noiseRollouts / perWindow) +
    Math.ceil(plan.acceptanceRollouts / perWindow) +
    plan.liars.length;
  let count = done.noise.length + done.acceptance.length + done.attacks.length;
  if (!options.json) {
    const seeds = seedsOf(plan.seed);
    print(
      `seeds: ${Object.values(seeds).join(', ')}${count > 0 ? `; ${count} of ${total} steps are in ${file}` : ''}`,
    );
  }
  const progress = createProgress({ unit: 'steps', total, already: count });
  // one after the other: a line that is half written is none
  let written = Promise.resolve();
  const onStep = (step: CalibrationStep): void => {
    progress.update(++count);
    if (file !== undefined)
      written = written.then(() => appendFile(file, `${JSON.stringify({ setUp, ...step })}\n`));
  };
  try {
    return await calibrate(parts, plan, { done, onStep }, signal);
  } finally {
    progress.end();
    await written;
  }
}

const NOTHING: CalibrationJournal = { noise: [], acceptance: [], attacks: [] };

/** Whatever a step hangs on: a journal of anything else is not gone on with. */
function setUpOf(
  { miner, verifier, substitutes, policy, checkpointDigest }: CalibrationParts,
  plan: CalibrationPlan,
) {
  const { seed, alphaPpm, noiseRollouts, leastTolerance, attackWindows, groups, draw } = plan;
  const models = [miner, verifier, ...Object.values(substitutes)];
  return sha256(
    utf8(canonicalJson({ seed, alphaPpm, noiseRollouts, leastTolerance, attackWindows, groups, draw })),
    policyDigest(policy),
    checkpointDigest,
    ...models.map(({ profile }) => profileDigest(profile)),
  );
}

async function readJournal(file: string, setUp: string): Promise<CalibrationJournal> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return NOTHING;
    throw invalid('--journal', 'a file that can be read', String(errnoOf(error) ?? error), error);
  }
  const steps: CalibrationStep[] = [];
  // the end of a run that was killed: a line without its end is made again
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await truncate(file, Buffer.byteLength(whole));
  for (const [i, line] of whole.split('\n').slice(0, -1).entries()) {
    let step: CalibrationStep & { setUp: string };
    try {
      step = JSON.parse(line) as typeof step; // our own file, of this very set-up as the next line asks
    } catch (error) {
      throw invalid(`--journal, line ${i + 1}`, 'a step', line.slice(0, 60), error);
    }
    if (step.setUp !== setUp)
      throw invalid(`--journal, line ${i + 1}`, 'a step of this model, policy and plan', 'one of others');
    steps.push(step);
  }
  const of = <P extends CalibrationStep['part']>(part: P) =>
    steps.flatMap((step) =>
      step.part === part ? [step.result as Extract<CalibrationStep, { part: P }>['result']] : [],
    );
  return { noise: of('noise'), acceptance: of('acceptance'), attacks: of('attacks') } as CalibrationJournal;
}

async function check(file: string, json: boolean): Promise<number> {
  const bytes = utf8(await readInputText(file, { maxBytes: MAX_CALIBRATION_BYTES }));
  const { calibration, digest, hotkey } = loadCalibration(bytes, { verify: verifySignature });
  const follows =
    Buffer.compare(calibrationBytes(recomputed(calibration)), calibrationBytes(calibration)) === 0;
  if (json) printJson({ ...jsonOf(calibration), digest: toHex(digest), hotkey: toAddress(hotkey), follows });
  else {
    print(textOf(calibration));
    print(
      `signed by ${toAddress(hotkey)}; its figures ${follows ? 'follow' : 'do not follow'} from its counts`,
    );
  }
  return follows ? EXIT.ok : EXIT.failed;
}

const jsonOf = (calibration: Calibration): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(calibrationBytes(calibration))) as Record<string, unknown>;

const logits = (units: number): string => (units / 2 ** 20).toExponential(1);
const percent = (ppm: number): string => `${Number((ppm / 10_000).toPrecision(3))} %`;

function textOf(calibration: Calibration): string {
  const { miner, verifier, noise, acceptance, attacks, environment, policy, without } = calibration;
  const profile = ({ engine, engineVersion, provider, dtype, isa }: typeof miner): string =>
    `${engine} ${engineVersion}, ${provider}, ${dtype}, ${isa}`;
  const table = new Table({
    head: ['lie', 'check', 'windows', 'missed', 'wrong / judged', 'false accepts', 'convicted in', 'claimed'],
  });
  for (const row of attacks.rows)
    table.push([
      row.name,
      row.checks.join(' or ') || 'none',
      `${row.windows}`,
      `${row.missed}`,
      row.of === 'bytes' ? '' : `${row.wrong} / ${row.judged}`,
      percent(row.farPpm),
      row.of === 'bytes'
        ? 'refused'
        : row.windowsToConvict === 0
          ? 'never'
          : `${row.windowsToConvict} windows`,
      isCovered(row) ? 'yes' : without.includes(row.name) ? 'no, answered for' : 'no',
    ]);
  return [
    factLines([
      ['miner', profile(miner)],
      ['verifier', profile(verifier)],
      ['weights', `${calibration.weights}, ${toHex(verifier.weightsDigest).slice(0, 16)}`],
      [
        'environment',
        `${environment.id} ${environment.version}, up to ${policy.maxTokens} tokens at ${policy.temperature}`,
      ],
      [
        'noise',
        `${noise.rollouts} rollouts, ${noise.tokens} tokens: ${logits(noise.quantile)} logits at ${noise.alphaPpm} in a million`,
      ],
      [
        'delta',
        `${logits(calibration.tolerance)}, e^(lambda T) ${legalRollouts(calibration).toPrecision(4)}, Gini ${noise.giniPpm / 1e6}`,
      ],
      [
        'honest',
        `${acceptance.wrong} of ${acceptance.rollouts} rollouts wrong (${acceptance.tokens} tokens): at most ${acceptance.boundPpb / 1e5} in 10,000`,
      ],
      ['digest', toHex(calibrationDigest(calibration))],
    ]),
    table.toString(),
  ].join('\n');
}
