import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { showSchedule } from '../../../src/cli/commands/emissions/schedule.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import {
  dailyRows,
  isDaily,
  parseSchedule,
  SCHEDULE_PRESETS,
  settleJob,
} from '../../../src/emissions/index.js';
import { AssayError } from '../../../src/model/errors.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-schedule-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

async function shown(name: string | undefined, flags: Record<string, unknown> = {}): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  expect(await showSchedule(name, flags)).toBe(0);
  vi.restoreAllMocks();
  return written.join('');
}

async function refused(name: string, flags: Record<string, unknown> = {}): Promise<string> {
  const error: unknown = await showSchedule(name, flags).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AssayError);
  expect(exitCodeOf(error)).toBe(2);
  return (error as AssayError).message;
}

function fileOf(text: string): string {
  const path = join(folder, 'own.json');
  writeFileSync(path, text);
  return path;
}

describe('the page docs/guide/schedules.md', () => {
  const page = readFileSync(new URL('../../../docs/guide/schedules.md', import.meta.url), 'utf8');
  const commands = [...page.matchAll(/```sh\nassay emissions schedule ?(.*)\n```\n```\n([^`]*)```/g)];
  const ownFile = /```json\n([^`]*)```/.exec(page)![1]!;

  test('shows every preset', () => {
    expect(commands).toHaveLength(9);
    for (const name of Object.keys(SCHEDULE_PRESETS))
      expect(commands.some(([, line]) => line!.startsWith(name))).toBe(true);
  });

  test.each(commands.map(([, line, output]) => [line!, output!]))(
    'shows what "assay emissions schedule %s" prints',
    async (line, output) => {
      const [name, ...rest] = line === '' ? [] : line.split(' ');
      const printed = await shown(name === './own.json' ? fileOf(ownFile) : name, flagsOf(rest));
      expect(printed).toBe(output);
    },
  );

  test('has an example for the library that does what its comments say', () => {
    const schedule = parseSchedule(SCHEDULE_PRESETS.morpheus);
    expect(isDaily(schedule) && dailyRows(schedule, { days: 2 })[1]?.emissionNano).toBe(14_397_531_005_299n);
    expect(settleJob({ pricePerSecond: 115n, timeoutSeconds: 3600n, ranSeconds: 1200n })).toEqual({
      deposit: 414_000n,
      pay: 138_000n,
      refund: 276_000n,
    });
  });
});

/** As the command line would hand them over: numbers as numbers, `--at` as a list. */
function flagsOf(words: readonly string[]): Record<string, unknown> {
  const flags: Record<string, unknown> = {};
  let at: string[] | undefined;
  words.forEach((word, index) => {
    if (word === '--at') flags.at = at = [];
    else if (word === '--burn-rate') flags.burnRate = Number(words[index + 1]);
    else if (word.startsWith('--')) flags[word.slice(2)] = Number(words[index + 1]);
    else if (at !== undefined) at.push(word);
  });
  return flags;
}

describe('as JSON', () => {
  test('the list is the data of all presets', async () => {
    const { presets } = JSON.parse(await shown(undefined, { json: true })) as {
      presets: { name: string; schedule: unknown }[];
    };
    expect(Object.fromEntries(presets.map(({ name, schedule }) => [name, schedule]))).toEqual(
      SCHEDULE_PRESETS,
    );
  });

  test('days are one document, amounts as integers of 10^-9', async () => {
    const printed = await shown('morpheus', { json: true, days: 5834, every: 5833, burnRate: '0.25' });
    expect(JSON.parse(printed)).toMatchObject({
      name: 'morpheus',
      schedule: SCHEDULE_PRESETS.morpheus,
      days: 5834,
      every: 5833,
      burnRateNano: '250000000',
      rows: [
        { day: 1, emissionNano: '14400000000000', splitNano: { coders: '3456000000000' } },
        { day: 5833, cumulativeNano: '41999999998839372' },
        { day: 5834, emissionNano: '864049374249' },
      ],
    });
    expect(printed.trimEnd().split('\n')).toHaveLength(1);
  });

  test('what it prints under "schedule" is a file that prints the same', async () => {
    const first = JSON.parse(await shown('yellowstone', { json: true })) as Record<string, unknown>;
    expect(first).toMatchObject({ budgetNano: '3120690000000', accessRateNano: '47999944627694' });
    const path = fileOf(JSON.stringify(first.schedule));
    expect(JSON.parse(await shown(path, { json: true }))).toEqual({ ...first, name: path });
  });

  test('standard input is a schedule, and a byte order mark no part of it', async () => {
    const text = Buffer.from(`\ufeff${JSON.stringify(SCHEDULE_PRESETS.bitcoin)}`);
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from([text]) as typeof process.stdin);
    expect(JSON.parse(await shown('-', { json: true, days: 2 }))).toMatchObject({
      name: '-',
      schedule: SCHEDULE_PRESETS.bitcoin,
      rows: [{ day: 1 }, { day: 2 }],
    });
  });

  test('a seed changes nothing', async () => {
    expect(await shown('bitcoin', { seed: 'a' })).toBe(await shown('bitcoin', { seed: 'b' }));
  });
});

describe('what is wrong ends with 2', () => {
  test.each<[string, string, Record<string, unknown>, string]>([
    ['days that are none', 'bitcoin', { days: 0 }, 'days: '],
    ['more days than there are', 'bitcoin', { days: 100_001 }, 'days: '],
    ['days in words', 'bitcoin', { days: 'ten' }, 'days: '],
    ['a burn rate above 1', 'morpheus', { burnRate: 1.5 }, '--burn-rate: expected 0 to 1'],
    ['a burn rate without a tail', 'bitcoin', { burnRate: 0.5 }, '--burn-rate: bitcoin has no tail emission'],
    ['days for a curve', 'heurist-boost', { days: 3 }, '--days: stake-boost has inputs, not days: use --at'],
    ['inputs for days', 'bitcoin', { at: ['1'] }, '--at: halving has days, not inputs: use --days, --every'],
    ['an input that is no amount', 'yellowstone', { at: ['1', '-2'] }, 'at.1: expected digits'],
  ])('%s', async (_case, name, flags, message) => {
    expect(await refused(name, flags)).toContain(message);
  });

  test('a name that is neither preset nor file, with the names there are', async () => {
    expect(await refused('ethereum')).toBe(
      'ethereum: expected one of bitcoin, bittensor, morpheus, heurist-boost, heurist-vesting, yellowstone, or a JSON file, got neither',
    );
    expect(await refused('toString')).toContain('expected one of bitcoin');
    expect(await refused(folder)).toContain(`${folder}: expected a file that can be read`);
  });

  test('a file that is no JSON, or no schedule', async () => {
    expect(await refused(fileOf('{'))).toContain('own.json: expected JSON');
    expect(await refused(fileOf('{"kind":"linear-vesting","amount":3650,"days":365}'))).toContain(
      'own.json: amount: expected a decimal in quotes',
    );
  });

  test('a file of more than 1 MiB, whatever is in it', async () => {
    expect(await refused(fileOf(`{"kind":"halving"}${' '.repeat(2 ** 20)}`))).toContain(
      'expected at most 1048576 bytes',
    );
    expect(await refused('/dev/zero')).toContain('expected at most 1048576 bytes');
  });
});
