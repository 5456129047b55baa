// Owns: the trainer's command line and what it prints.
//   npx tsx examples/trainer/main.ts [--windows 30] [--groups 96] [--digits 1] [--rate 0.001] [--seed trainer]
import { parseArgs } from 'node:util';
import { run } from './run.js';
import { SMALL } from './train.js';

const { values } = parseArgs({
  options: {
    windows: { type: 'string', default: '30' },
    groups: { type: 'string', default: '96' },
    digits: { type: 'string', default: '1' },
    rate: { type: 'string', default: '0.001' },
    seed: { type: 'string', default: 'trainer' },
  },
});

function numberOf(name: 'windows' | 'groups' | 'digits' | 'rate', most: number): number {
  const value = Number(values[name]);
  if (!(value > 0 && value <= most) || (name !== 'rate' && !Number.isInteger(value)))
    throw new RangeError(`--${name}: expected ${name === 'rate' ? 'a number' : 'an integer'} up to ${most}`);
  return value;
}

const started = performance.now();
const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

await run(
  {
    config: SMALL,
    digits: numberOf('digits', 9),
    seed: values.seed,
    windows: numberOf('windows', 1000),
    groups: numberOf('groups', 4096),
    learningRate: numberOf('rate', 1),
  },
  {
    warmUp: ({ steps, loss, rewardMillis }) =>
      console.log(
        `warm-up ${steps}: loss ${loss.toFixed(3)}, reward ${(rewardMillis / 1000).toFixed(3)}, ${seconds()}`,
      ),
    window: (report) =>
      console.log(
        `window ${report.window}: reward ${(report.rewardMillis / 1000).toFixed(3)}, ` +
          `${report.groups} groups to learn from, ratio ${report.ratio.toFixed(3)}, ` +
          `clipped ${percent(report.clipped)}, weights changed ${percent(report.changed)}, ${seconds()}`,
      ),
  },
  new AbortController().signal,
);
