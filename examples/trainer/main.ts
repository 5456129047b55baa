// Owns: the trainer's command line and what it prints.
//   npx tsx examples/trainer/main.ts [--windows 15] [--miners honest,honest,steered] [--groups 48] [--engine plain] [--digits 1]
//     [--warm-up 150] [--rate 0.001] [--seed trainer]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeDisk } from '../../src/inference/checkpoint/disk.js';
import { createOnnxModel } from '../../src/inference/onnx/model.js';
import { createPlainModel } from '../../src/inference/plain/model.js';
import { readyKeys } from '../../src/keys/keypair.js';
import { MINER_KINDS, type MinerKind } from './miners.js';
import type { RatioError } from './rollouts.js';
import { run } from './run.js';
import type { MinerAccount, WindowAccount } from './subnet.js';
import { SMALL, type WindowReport } from './train.js';

const { values } = parseArgs({
  options: {
    windows: { type: 'string', default: '15' },
    miners: { type: 'string', default: 'honest,honest,steered' },
    groups: { type: 'string', default: '48' },
    /** of the miners: `onnx` wants the optional package */
    engine: { type: 'string', default: 'plain' },
    digits: { type: 'string', default: '1' },
    /** reward in thousandths at which learning by reward begins */
    'warm-up': { type: 'string', default: '150' },
    rate: { type: 'string', default: '0.001' },
    seed: { type: 'string', default: 'trainer' },
  },
});

function numberOf(name: 'windows' | 'groups' | 'digits' | 'warm-up' | 'rate', most: number): number {
  const value = Number(values[name]);
  if (!(value > 0 && value <= most) || (name !== 'rate' && !Number.isInteger(value)))
    throw new RangeError(`--${name}: expected ${name === 'rate' ? 'a number' : 'an integer'} up to ${most}`);
  return value;
}

function minersOf(text: string): MinerKind[] {
  const kinds = text.split(',').map((word) => MINER_KINDS.find((kind) => kind === word));
  if (kinds.length > 16 || kinds.includes(undefined))
    throw new RangeError(`--miners: expected up to 16 of ${MINER_KINDS.join(', ')}, with commas between`);
  return kinds as MinerKind[]; // none is undefined
}

if (values.engine !== 'plain' && values.engine !== 'onnx')
  throw new RangeError('--engine: expected plain or onnx');
const isOnnx = values.engine === 'onnx';
const started = performance.now();
const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const errorOf = ({ mean, max }: RatioError): string =>
  `${mean.toExponential(1)} (largest ${max.toExponential(1)})`;

function pulledBy({ pulled }: MinerAccount): string {
  const bytes = pulled.reduce((sum, step) => sum + step.bytes, 0);
  return pulled.length === 0 ? 'nothing' : `${bytes} bytes (${pulled.map(({ kind }) => kind).join(' + ')})`;
}

function printWindow(report: WindowReport, account: WindowAccount): void {
  const { delta, isAnchor, masterBytes } = account;
  console.log(
    `window ${report.window}: reward ${(report.rewardMillis / 1000).toFixed(3)}, ${report.rollouts} rollouts, ` +
      `${report.groups} groups to learn from, ratio ${report.ratio.toFixed(3)}, clipped ${percent(report.clipped)}, ${seconds()}`,
  );
  console.log(
    `  published: ${isAnchor ? `anchor of ${masterBytes} bytes` : 'no anchor'}` +
      `${delta ? `, delta of ${delta.bytes} bytes (${percent(delta.bytes / masterBytes)} of the master), ${percent(delta.density)} of weights` : ''}`,
  );
  for (const miner of account.miners)
    console.log(
      `  ${miner.name}, ${miner.does}: pulled ${pulledBy(miner)}; ${miner.consumed} of ${miner.handedIn} groups consumed` +
        `${miner.rewardMillis === undefined ? '' : ` with reward ${(miner.rewardMillis / 1000).toFixed(3)}`}, ` +
        `${miner.proofs} proofs${miner.witness ? `, the first is ${miner.witness}` : ''}`,
    );
  console.log(
    `  ${account.tokens} tokens checked; ratio off 1 by ${errorOf(account.error)} to the miners' engines, ` +
      `${errorOf(report.error)} to the trainer's own forward`,
  );
}

await readyKeys();
const folder = await mkdtemp(join(tmpdir(), 'assay-trainer-'));
try {
  await run(
    {
      disk: nodeDisk,
      folder,
      openModel: async (master) =>
        isOnnx ? createOnnxModel(master, { threads: 1 }) : createPlainModel(master),
    },
    {
      config: SMALL,
      digits: numberOf('digits', 9),
      seed: values.seed,
      windows: numberOf('windows', 1000),
      miners: minersOf(values.miners),
      groups: numberOf('groups', 4096),
      learningRate: numberOf('rate', 1),
      warmUpMillis: numberOf('warm-up', 1000),
    },
    {
      warmUp: ({ steps, loss, rewardMillis }) =>
        console.log(
          `warm-up ${steps}: loss ${loss.toFixed(3)}, reward ${(rewardMillis / 1000).toFixed(3)}, ${seconds()}`,
        ),
      window: printWindow,
    },
    new AbortController().signal,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
