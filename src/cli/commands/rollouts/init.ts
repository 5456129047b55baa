// Owns: `assay rollouts init`: a subnet's file to begin with. Does not own: what is in it (rollout-subnet.ts).
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { generate, streamChoice } from '../../../inference/generate.js';
import type { LanguageModel } from '../../../inference/language-model.js';
import { policyDigest, policyJson } from '../../../inference/spec/policy.js';
import { BEACONS } from '../../../inference/spec/window.js';
import { readyKeys, verifySignature } from '../../../keys/index.js';
import { toHex, utf8 } from '../../../model/bytes.js';
import { sha256 } from '../../../model/hash.js';
import { loadCalibration, MAX_CALIBRATION_BYTES } from '../../../verification/rollouts/calibration.js';
import { systemParts } from '../../assemble.js';
import { integerBetween, loadFlags } from '../../config.js';
import { factLines } from '../../facts.js';
import { readInputBytes } from '../../input-text.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { sayWhile } from '../../progress.js';
import { type Choice, choiceFlags, chosenOf, ENGINES, openEngine } from '../../rollout-choice.js';
import {
  CALIBRATION_FILE,
  parseRolloutSubnet,
  SUBNET_FILE,
  subnetDigest,
  UNCALIBRATED,
} from '../../rollout-subnet.js';
import { openWholeFile } from '../../whole-file.js';

const path = z.string().min(1).max(4096);
const block = integerBetween(0, 2 ** 31, 'a block');
const schema = z.strictObject({
  ...choiceFlags,
  trainer: z.string().max(64),
  calibration: path,
  firstBlock: block,
  everyBlocks: integerBetween(1, 100_000, 'blocks').default(30),
  workBlocks: integerBetween(1, 100_000, 'blocks').default(20),
  beaconDelayMs: integerBetween(0, 3_600_000, 'milliseconds').optional(),
  beacon: z.enum(BEACONS).default('drand-quicknet'),
  quota: integerBetween(1, 1_000_000, 'rollouts').default(1024),
  engine: z.enum(ENGINES).default('onnx'),
  promptMillis: integerBetween(0, 1000, 'thousandths').optional(),
  batch: integerBetween(1, 4096, 'rows').default(16),
  out: path.default(SUBNET_FILE),
  force: z.boolean().default(false),
  json: z.boolean().default(false),
});

export async function initRollouts(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  await readyKeys();
  const bytes =
    options.calibration === UNCALIBRATED
      ? undefined
      : await readInputBytes(options.calibration, { maxBytes: MAX_CALIBRATION_BYTES });
  const digest = bytes && toHex(loadCalibration(bytes, { verify: verifySignature }).digest);
  const beside = join(dirname(options.out), CALIBRATION_FILE);
  const place = await openWholeFile(options.out, `--out ${options.out}`);
  const besidePlace = bytes && (await openWholeFile(beside, beside));
  for (const { target, exists } of [place, besidePlace].filter((each) => each !== undefined))
    if (exists && !options.force) throw invalid(target, 'no file there, or --force', 'one that is');
  const choice = await chosenOf(options, signal);
  const { environmentDigest: _, ...policy } = policyJson(choice.policy);
  const { firstBlock, everyBlocks, workBlocks, beaconDelayMs, engine } = options;
  const measured =
    options.promptMillis ??
    (await sayWhile('measuring what a token costs', () => measuredMillis(choice, options, signal)));
  const value = {
    version: 1,
    policy,
    environment: { id: options.environment, params: choice.params },
    model: { engine, config: choice.master.config },
    quota: options.quota,
    prompt: { millis: measured, is: options.promptMillis === undefined ? 'measured' : 'declared' },
    calibration: digest ?? UNCALIBRATED,
    trainer: options.trainer,
    beacon: options.beacon,
    plan: { firstBlock, everyBlocks, workBlocks, ...(beaconDelayMs === undefined ? {} : { beaconDelayMs }) },
  };
  // as whoever reads it will: a calibration of another policy is found here
  const subnet = parseRolloutSubnet(value, options.out, bytes);
  if (bytes && besidePlace) await besidePlace.write(new TextDecoder().decode(bytes));
  await place.write(`${JSON.stringify(value, undefined, 2)}\n`);
  const own = toHex(subnetDigest(subnet));
  if (options.json) printJson({ ...value, digest: own, written: place.target });
  else
    print(
      factLines([
        ['written', bytes ? `${place.target}, and ${CALIBRATION_FILE} beside it` : place.target],
        ['digest', own],
        ['policy', toHex(policyDigest(subnet.policy))],
        ['calibration', value.calibration],
        ['prompt token', `${value.prompt.millis} thousandths of a generated one, ${value.prompt.is}`],
        [
          'window 0',
          `blocks ${firstBlock} to ${firstBlock + workBlocks}, another every ${everyBlocks} blocks`,
        ],
      ]),
    );
  return EXIT.ok;
}

const ROUNDS = 3;

/** Time for a token of a prompt over time for one that is generated, on this machine: the best of some rounds of each. */
async function measuredMillis(
  { master, environment, policy }: Choice,
  { engine, batch, seed }: { engine: (typeof ENGINES)[number]; batch: number; seed: string },
  signal: AbortSignal,
): Promise<number> {
  const model = await openEngine(engine, master);
  try {
    const prompts = Array.from(
      { length: batch },
      (_, i) => environment.task(sha256(utf8(`${seed} ${i}`))).prompt,
    );
    const prompted = prompts.reduce((sum, { length }) => sum + length, 0);
    const wanted = prompts.map((prompt, group) => ({ group, index: 0, prompt }));
    const choose = streamChoice(policy, sha256(utf8(seed)));
    let [read, made] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round < ROUNDS; round++) {
      read = Math.min(read, (await timed(() => prefillOnly(model, prompts, signal))) / prompted);
      let tokens = 0;
      const took = await timed(async () => {
        const rollouts = await generate({ model, policy, choose }, wanted, { batch }, signal);
        tokens = rollouts.reduce((sum, rollout) => sum + rollout.tokens.length, 0);
      });
      made = Math.min(made, Math.max(0, took - read * prompted) / tokens);
    }
    return Math.max(1, Math.min(1000, Math.round((1000 * read) / made)));
  } finally {
    await model.close();
  }
}

async function prefillOnly(
  model: LanguageModel,
  prompts: readonly Uint32Array[],
  signal: AbortSignal,
): Promise<void> {
  (await model.prefill(prompts, signal)).release();
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = systemParts.clock.monotonic();
  await work();
  return systemParts.clock.monotonic() - began;
}
