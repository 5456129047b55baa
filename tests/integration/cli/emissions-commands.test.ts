import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { registerEmissions } from '../../../src/cli/emissions-group.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { metricsOf } from '../../../src/emissions/simulator/metrics.js';
import { parseScenario, type ScenarioFile } from '../../../src/emissions/simulator/scenario.js';
import { scenarios } from '../../../src/emissions/simulator/scenarios/index.js';
import { simulate } from '../../../src/emissions/simulator/simulate.js';
import { AssayError } from '../../../src/model/errors.js';
import { VERSION } from '../../../src/model/version.js';
import { smallScenario } from '../../support/small-scenario.js';

vi.mock('../../../src/cli/simulations.js', async (original) => {
  const actual = await original<typeof import('../../../src/cli/simulations.js')>();
  const { withSharedThreads } = await import('../../support/bundled-worker.js');
  return { ...actual, createSimulations: await withSharedThreads(actual.createSimulations) };
});

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const never = new AbortController().signal;

let folder: string;
let small: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-emissions-'));
  small = fileOf('small.json', smallScenario);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function fileOf(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

interface Ended {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
  readonly error: unknown;
}

/** The command line as main.ts has it, with its output caught. */
async function assay(args: readonly string[], signal = never): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  let code: number | undefined;
  let error: unknown;
  const program = new Command('assay').exitOverride();
  registerEmissions(program, async (work) => {
    code = await work(signal);
  });
  await program.parseAsync(['emissions', ...args], { from: 'user' }).catch((thrown: unknown) => {
    error = thrown;
  });
  vi.restoreAllMocks();
  return { code, out: written.stdout, err: written.stderr, error };
}

async function printed(...args: string[]): Promise<string> {
  const { code, out, error } = await assay(args);
  expect(error).toBeUndefined();
  expect(code).toBe(0);
  return out;
}

async function refused(...args: string[]): Promise<string> {
  const { error, out } = await assay(args);
  expect(error).toBeInstanceOf(AssayError);
  expect(exitCodeOf(error)).toBe(2);
  expect(out).toBe('');
  return (error as AssayError).message;
}

const lines = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);

describe('assay emissions simulate', () => {
  test('prints groups, emission by role, price, and who gains by not being honest', async () => {
    const text = await printed('simulate', small);
    expect(text).toContain(`small: 5 epochs, 0.01 days; seed assay, version ${VERSION}`);
    for (const word of ['honest', 'cabal', 'farm', 'friends', 'validators', 'burned', 'price '])
      expect(text).toContain(word);
    expect(text).toContain('cabal: cabal, friends: honest');
    expect(await printed('simulate', small, '--no-deviations')).not.toContain('with the coalition honest');
  });

  test('prints what the library computes as one JSON document, amounts in rao as decimal strings', async () => {
    const document = JSON.parse(await printed('simulate', small, '--json')) as Record<string, never>;
    const result = simulate(parseScenario(smallScenario));
    expect(document).toMatchObject({
      result: { version: VERSION, seed: 'assay', scenario: result.scenario, taoShare: result.taoShare },
      metrics: metricsOf(result),
      deviations: [{ coalition: 'cabal', behaviours: 'cabal: cabal, friends: honest' }],
    });
    const { totals } = document['result'] as { totals: Record<string, string> };
    expect(totals['minersRao']).toBe(`${result.totals.minersRao}`);
  });

  test('--out holds the same document, and appears when it is whole', async () => {
    const out = join(folder, 'result.json');
    const json = await printed('simulate', small, '--json', '--out', out);
    expect(readFileSync(out, 'utf8')).toBe(json);
    expect(readdirSync(folder).sort()).toEqual(['result.json', 'small.json']);
    expect(await refused('simulate', small, '--out', join(folder, 'no', 'such', 'x.json'))).toContain(
      'expected a file in a folder that can be written to',
    );
  });

  test('--seed, --epochs and --set replace values; words need no quotes, objects are JSON', async () => {
    const text = await printed(
      ...['simulate', small, '--json', '--seed', 'other', '--epochs', '2', '--set', 'owner.payRule=rented'],
      ...['--set', 'owner.burnShare=0.25', '--set', 'miners.farm.behaviour={"kind":"sybil","copies":2}'],
    );
    const { result } = JSON.parse(text) as { result: { scenario: ScenarioFile; epochs: number } };
    expect(result.epochs).toBe(2);
    expect(result.scenario).toMatchObject({
      seed: 'other',
      owner: { payRule: 'rented', burnShare: 0.25 },
      miners: [{ behaviour: { kind: 'sybil', copies: 2, detected: true } }, {}],
    });
  });

  test('--set leaves text as it was typed where the scenario has text, such as a seed', async () => {
    const seedOf = async (given: string): Promise<unknown> => {
      const text = await printed('simulate', small, '--json', '--epochs', '1', '--set', `seed=${given}`);
      return (JSON.parse(text) as { result: { seed: unknown } }).result.seed;
    };
    expect(await seedOf('007')).toBe('007');
    expect(await seedOf('true')).toBe('true');
    expect(await seedOf('"7"')).toBe('7');
  });

  test('ends with 130 when it is interrupted, and writes nothing', async () => {
    const controller = new AbortController();
    controller.abort();
    const out = join(folder, 'result.json');
    const { code, out: text } = await assay(['simulate', small, '--out', out], controller.signal);
    expect([code, text]).toEqual([130, '']);
    expect(readdirSync(folder)).toEqual(['small.json']);
  });
});

describe('what is no file to write', () => {
  test('is refused before anything runs, and stays', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const endless = ['--epochs', '1000000', '--out'];
    for (const command of ['simulate', 'report']) {
      expect(await refused(command, small, ...endless, pipe)).toBe(
        `--out ${pipe}: expected a regular file, got a pipe`,
      );
      expect(await refused(command, small, ...endless, folder)).toContain('got a folder');
      expect(await refused(command, small, ...endless, '/dev/null')).toContain('got a device');
    }
    const into = join(folder, 'into');
    mkdirSync(into);
    execFileSync('mkfifo', [join(into, 'cabal-40.json')]);
    expect(await refused('scenarios', '--write', into)).toBe(
      `--write ${into}, cabal-40.json: expected a regular file, got a pipe`,
    );
    expect(readdirSync(into)).toEqual(['cabal-40.json']);
  });
});

describe('--points', () => {
  test('keeps every epoch of a run with fewer', async () => {
    const flags = ['--json', '--no-deviations', '--epochs', '10', '--points'];
    const seriesOf = async (points: string): Promise<unknown> =>
      (JSON.parse(await printed('simulate', small, ...flags, points)) as { result: { series: unknown } })
        .result.series;
    expect(await seriesOf('12')).toMatchObject({
      epochs: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      epochsPerPoint: 1,
    });
    expect(await seriesOf('4')).toMatchObject({ epochs: [4, 8, 10], epochsPerPoint: 4 });
  });

  test('is an even number from 2 to 100000, for reports too', async () => {
    for (const points of ['0', '3', '100002', 'x'])
      for (const command of ['simulate', 'report'])
        expect(await refused(command, small, '--points', points)).toContain('points: ');
    const out = join(folder, 'r.html');
    const { command } = JSON.parse(
      await printed('report', small, '--points', '2', '--out', out, '--json'),
    ) as { command: string };
    expect(command).toBe(`assay emissions report ${small} --points 2 --out ${out}`);
  });
});

describe('a scenario', () => {
  test('that is neither name nor file is refused with names like it', async () => {
    expect(await refused('simulate', 'cabal-50')).toBe(
      'cabal-50: expected one of cabal-51, cabal-40, or a JSON file, got neither',
    );
    expect(await refused('simulate', 'zzz')).toContain('expected one of burn-share, cabal-51, ');
    expect(await refused('simulate', folder)).toContain('a file that can be read');
  });

  test('file is refused with the place of what is wrong', async () => {
    expect(await refused('simulate', fileOf('a.json', '{\n  "name": "x",\n  oops\n}'))).toContain(
      'a.json: expected JSON, got in line 3, column 3 something else',
    );
    expect(await refused('simulate', fileOf('b.json', { ...smallScenario, epochs: 1.5 }))).toContain(
      'b.json: epochs: ',
    );
    expect(await refused('simulate', fileOf('c.json', ' '.repeat(2 ** 20 + 1)))).toContain(
      'expected at most 1048576 bytes, got more',
    );
    expect(await refused('simulate', '/dev/zero')).toContain('expected at most 1048576 bytes, got more');
  });

  test.each([
    [['--set', 'owner.burnShare'], '--set owner.burnShare: expected PATH=VALUE'],
    [['--set', 'owner.burnShare=2'], 'owner.burnShare = 2: owner.burnShare: Too big'],
    [['--set', 'owner.payRule=7'], 'owner.payRule = "7": owner.payRule: Invalid option'],
    [['--set', 'owner.burned=0'], 'owner.burned: the scenario has no such value'],
    [['--epochs', '0'], 'epochs: Too small'],
    [['--epochs', 'ten'], 'epochs: Invalid input: expected number'],
  ])('with %j is refused', async (flags, message) => {
    expect(await refused('simulate', small, ...flags)).toContain(message);
  });
});

describe('assay emissions sweep', () => {
  const vary = ['--vary', 'owner.burnShare=0:1:0.5', '--vary', 'seed=a,b'];

  test('runs every combination, and prints the metrics that were asked for', async () => {
    const text = await printed('sweep', small, ...vary, '--metric', 'farm.profitTao', '--threads', '2');
    const cells = text.split('\n').filter((line) => line.includes('│'));
    expect(cells[0]!.replaceAll(/[│ ]+/g, ' ').trim()).toBe('owner.burnShare seed farm.profitTao');
    expect(
      cells.slice(1).map((line) =>
        line
          .split('│')
          .slice(1, 3)
          .map((cell) => cell.trim()),
      ),
    ).toEqual([
      ['0', 'a'],
      ['0', 'b'],
      ['0.5', 'a'],
      ['0.5', 'b'],
      ['1', 'a'],
      ['1', 'b'],
    ]);
  });

  test('prints one JSON document that does not hang on the number of threads', async () => {
    const one = await printed('sweep', small, ...vary, '--json', '--threads', '1');
    expect(await printed('sweep', small, ...vary, '--json', '--threads', '3')).toBe(one);
    const { rows, axes, version, seed } = JSON.parse(one) as {
      rows: { at: unknown[]; metrics: unknown }[];
      axes: unknown;
      version: string;
      seed: string;
    };
    expect({ version, seed }).toEqual({ version: VERSION, seed: 'assay' });
    expect(axes).toEqual([
      { path: 'owner.burnShare', values: [0, 0.5, 1] },
      { path: 'seed', values: ['a', 'b'] },
    ]);
    const there = parseScenario({ ...smallScenario, seed: 'b', owner: { burnShare: 0.5 } });
    expect(rows[3]).toEqual({ at: [0.5, 'b'], metrics: metricsOf(simulate(there)) });
  });

  test('after a kill in the middle of a line it drops that line aloud and runs only what is missing', async () => {
    const out = join(folder, 'sweep.jsonl');
    const whole = await printed('sweep', small, ...vary, '--json', '--out', out, '--threads', '1');
    const [header, ...rows] = lines(out);
    expect(rows).toHaveLength(6);
    truncateSync(out, Buffer.byteLength([header, ...rows.slice(0, 3), ''].join('\n')) + 40);

    const again = await assay(['sweep', small, ...vary, '--json', '--out', out, '--threads', '1']);
    expect(again).toMatchObject({ code: 0, out: whole });
    expect(again.err).toBe(
      `${out}: its last line ends in the middle; dropped, that point runs again\n${out}: 3 of 6 points are there\n`,
    );
    expect(lines(out)).toEqual([header, ...rows]);

    // what is there is believed, not computed: nothing is left to run
    writeFileSync(out, readFileSync(out, 'utf8').replace(/"farm.profitTao":[^,]+/, '"farm.profitTao":42'));
    expect(await printed('sweep', small, ...vary, '--out', out)).toContain(' 42 ');
  });

  test('a header that was cut off begins anew', async () => {
    const out = join(folder, 'sweep.jsonl');
    await printed('sweep', small, ...vary, '--out', out, '--threads', '1');
    const whole = readFileSync(out, 'utf8');
    truncateSync(out, 100);
    await printed('sweep', small, ...vary, '--out', out, '--threads', '1');
    expect(readFileSync(out, 'utf8')).toBe(whole);
  });

  test("another sweep's file is refused with what differs, and stays as it is", async () => {
    const out = join(folder, 'sweep.jsonl');
    await printed('sweep', small, ...vary, '--out', out);
    appendFileSync(out, '{"torn');
    const before = readFileSync(out, 'utf8');
    expect(await refused('sweep', small, ...vary, '--out', out, '--epochs', '4')).toBe(
      `--out ${out}: expected a file of this sweep, or none, got one of another scenario: epochs differs`,
    );
    expect(await refused('sweep', small, '--vary', 'seed=a,b', '--out', out)).toContain(
      'got one with other axes: owner.burnShare=0,0.5,1 seed=a,b',
    );
    const other = fileOf(
      'other.jsonl',
      before
        .replaceAll(`"version":"${VERSION}"`, '"version":"0.0.1"')
        .replace(/"digest":"../, '"digest":"zz'),
    );
    expect(await refused('sweep', small, ...vary, '--out', other)).toContain(
      `got one of version 0.0.1; this is ${VERSION}`,
    );
    expect(await refused('sweep', small, ...vary, '--out', small)).toContain('got some other file');
    expect(JSON.parse(readFileSync(small, 'utf8'))).toEqual(smallScenario);
    expect(readFileSync(out, 'utf8')).toBe(before);
  });

  test('a file with a line that is no point of it is corrupt, by its number', async () => {
    const out = join(folder, 'sweep.jsonl');
    await printed('sweep', small, ...vary, '--out', out);
    const whole = readFileSync(out, 'utf8');
    appendFileSync(out, '{"point":99,"at":[0,"a"],"metrics":{}}\n');
    const { error } = await assay(['sweep', small, ...vary, '--out', out]);
    expect(error).toMatchObject({ code: 'corrupt', data: { line: 8, why: 'not a point of these axes' } });
    writeFileSync(out, `${whole}nonsense\n`);
    expect((await assay(['sweep', small, ...vary, '--out', out])).error).toMatchObject({
      data: { line: 8, why: 'no row of a sweep' },
    });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s ends it with %i, threads and all; what was finished is in the file, which nobody else wrote meanwhile',
    async (signal, code) => {
      const out = join(folder, 'sweep.jsonl');
      const written = new Promise<void>((resolve) => {
        const watcher = watch(folder, () => {
          if (!existsSync(out) || lines(out).length < 2) return;
          watcher.close();
          resolve();
        });
      });
      const args = ['sweep', small, '--vary', 'epochs=2,1000000', '--out', out];
      const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'emissions', ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const said: string[] = [];
      child.stderr.on('data', (text: Buffer) => said.push(String(text)));
      const ended = once(child, 'close');
      await Promise.race([written, ended]);
      expect(await refused(...args)).toContain(
        `--out ${out}: expected a file that nobody else writes, got one that process ${child.pid} holds`,
      );
      child.kill(signal);
      expect(await ended).toEqual([code, null]);
      expect(said.join('')).toBe(
        `interrupted: 1 of 2 points are in ${out}; the same command goes on from there\n`,
      );
      expect(lines(out)).toHaveLength(2);
      expect(readdirSync(folder).sort()).toEqual(['small.json', 'sweep.jsonl']);
    },
  );

  test('numbers are seeds too, which are text', async () => {
    const text = await printed('sweep', small, '--vary', 'seed=1:3:1', '--json', '--epochs', '2');
    const { rows } = JSON.parse(text) as { rows: { at: unknown[]; metrics: unknown }[] };
    const there = parseScenario({ ...smallScenario, seed: '3', epochs: 2 });
    expect(rows[2]).toEqual({ at: [3], metrics: metricsOf(simulate(there)) });
  });

  test.each([
    [[], 'vary: is required'],
    [['--vary', 'owner.burnShare'], '--vary owner.burnShare: expected PATH=FROM:TO:STEP or PATH=A,B,C'],
    [['--vary', 'owner.burnShare=0:1:1e-6'], '--vary owner.burnShare: 1000001 points, at most 100000'],
    [['--vary', 'owner.burnShare=0:2:0.5'], 'owner.burnShare = 1.5: owner.burnShare: Too big'],
    [['--vary', 'owner.nothing=1,2'], 'owner.nothing: the scenario has no such value'],
    [['--vary', 'seed=a,b', '--metric', 'farm.profit'], 'farm.profit: no such metric; there are '],
    [['--vary', 'seed=a,b', '--threads', '17'], 'threads: Too big'],
    [['--vary', 'seed=a,b', '--out', '/dev/null'], '--out /dev/null: expected a regular file'],
  ])('%j is refused', async (flags, message) => {
    expect(await refused('sweep', small, ...flags)).toContain(message);
  });
});

describe('assay emissions search', () => {
  const burn = ['--vary', 'owner.burnShare', '--from', '0', '--to', '1'];
  const target = ['--target', 'farm.incentiveShare >= 0.5'];

  test('finds the largest burn at which miners still get their part', async () => {
    const text = await printed(
      'search',
      small,
      ...burn,
      ...target,
      '--largest',
      '--json',
      '--tolerance',
      '0.01',
    );
    const found = JSON.parse(text) as Record<string, never>;
    expect(found).toMatchObject({
      version: VERSION,
      seed: 'assay',
      path: 'owner.burnShare',
      want: 'largest',
      target: 'farm.incentiveShare >= 0.5',
      outcome: 'found',
      monotone: true,
      evaluations: 13,
    });
    const [fails, holds] = found['bracket'] as [number, number];
    expect(found['value']).toBe(holds);
    expect(fails - holds).toBeCloseTo(0.0078125, 9);
    const share = (burnShare: number): number =>
      metricsOf(simulate(parseScenario({ ...smallScenario, owner: { burnShare } })))['farm.incentiveShare']!;
    expect(share(holds)).toBeGreaterThanOrEqual(0.5);
    expect(share(fails)).toBeLessThan(0.5);
  });

  test('finds the smallest whole kappa that keeps a cabal of 40 % below its stake share', async () => {
    const text = await printed(
      ...['search', small, '--vary', 'subnet.kappa', '--from', '20000', '--to', '32000', '--integer'],
      ...['--target', 'friends.incentiveShare < cabal.stakeShare', '--smallest'],
    );
    // 26214 = 0.4 * 65535; the owner's uid earns stake too, so the cabal has a little less than 40 % of all
    expect(text).toMatch(
      /^friends.incentiveShare < cabal.stakeShare: the smallest subnet.kappa is 26\d\d\d \(/,
    );
  });

  test('says that it holds nowhere with exit code 1, and everywhere with 0', async () => {
    const nowhere = await assay(['search', small, ...burn, '--target', 'farm.uids > 3', '--smallest']);
    expect(nowhere.code).toBe(1);
    expect(nowhere.out).toContain('farm.uids > 3: holds nowhere from owner.burnShare = 0 to 1');
    expect(await printed('search', small, ...burn, '--target', 'farm.uids >= 3', '--largest')).toContain(
      'the largest owner.burnShare is 1 (an end of the range; it holds at every sample)',
    );
  });

  test('ends with 130 when it is interrupted', async () => {
    const controller = new AbortController();
    controller.abort();
    const { code } = await assay(['search', small, ...burn, ...target, '--largest'], controller.signal);
    expect(code).toBe(130);
  });

  test.each([
    [[...burn, ...target], 'search: expected one of --smallest and --largest, got neither'],
    [[...burn, ...target, '--smallest', '--largest'], 'got both'],
    [[...burn, '--largest'], 'target: is required'],
    [[...burn, '--largest', '--target', 'farm.profitTao'], 'target: >=, <=, > or < is missing at the end'],
    [[...burn, '--largest', '--target', 'farm.profit > 0'], 'farm.profit: no such metric'],
    [
      ['--vary', 'owner.burnShare', '--from', '1', '--to', '0', ...target, '--largest'],
      '--from: expected less than --to 0, got 1',
    ],
    [
      ['--vary', 'owner.burnShare', '--from', '-1', '--to', '1', ...target, '--largest'],
      'owner.burnShare = -1: owner.burnShare: Too small',
    ],
    [
      ['--vary', 'owner.payRule', '--from', '0', '--to', '1', ...target, '--largest'],
      '--vary owner.payRule: expected the path of a number, got "capacity"',
    ],
    [[...burn, ...target, '--largest', '--integer', '--to', '1.5'], '--integer: expected whole numbers'],
    [
      ['--vary', 'owner.burnShare', '--from', '0', '--to', '1.4', ...target, '--largest'],
      'owner.burnShare = 1.4: owner.burnShare: Too big',
    ],
    [
      ['--vary', 'subnet.kappa', '--from', '0', '--to', '65535', ...target, '--largest'],
      '--vary subnet.kappa: expected --integer, as only whole numbers fit there, got 32767.5',
    ],
    [
      ['--vary', 'subnet.kappa', '--from', '0', '--to', '100', ...target, '--largest'],
      'expected --integer, as only whole numbers fit there, got 50.5',
    ],
    [
      ['--vary', 'subnet.kappa', '--from', '0.5', '--to', '100', ...target, '--largest'],
      'expected --integer, as only whole numbers fit there, got 0.5',
    ],
    [[...burn, ...target, '--largest', '--samples', '1'], 'samples: Too small'],
    [[...burn, ...target, '--largest', '--tolerance', '0'], 'tolerance: Too small'],
  ])('%j is refused', async (flags, message) => {
    expect(await refused('search', small, ...flags)).toContain(message);
  });
});

describe('assay emissions scenarios', () => {
  test('lists every scenario that ships', async () => {
    const text = await printed('scenarios');
    const { scenarios: listed } = JSON.parse(await printed('scenarios', '--json')) as {
      scenarios: { name: string; epochs: number; neurons: number }[];
    };
    expect(listed.map(({ name }) => name)).toEqual(scenarios.map(({ name }) => name));
    for (const { name, epochs } of listed) expect(text).toMatch(new RegExp(`│ ${name} .* ${epochs} │`));
  });

  test('shows one as a file that is the same scenario and names its schema', async () => {
    const text = await printed('scenarios', '--show', 'cabal-40');
    const shown = JSON.parse(text) as ScenarioFile;
    expect(shown.$schema).toBe('./scenario.schema.json');
    expect(shown.validators).toEqual(scenarios.find(({ name }) => name === 'cabal-40')!.validators);
    expect(await printed('simulate', fileOf('mine.json', text), '--epochs', '2')).toContain(
      'cabal-40: 2 epochs',
    );
    expect(JSON.parse(await printed('scenarios', '--show', 'cabal-40', '--seed', 'x'))).toMatchObject({
      seed: 'x',
    });
  });

  test('prints a schema that knows the fields', async () => {
    const schema = JSON.parse(await printed('scenarios', '--schema')) as { properties: object };
    expect(Object.keys(schema.properties)).toContain('validators');
  });

  test('writes all of them and the schema, and never over what somebody changed', async () => {
    const into = join(folder, 'scenarios');
    await printed('scenarios', '--write', into);
    await printed('scenarios', '--write', into);
    expect(readdirSync(into)).toHaveLength(scenarios.length + 1);
    const { files } = JSON.parse(await printed('scenarios', '--write', into, '--json')) as {
      files: string[];
    };
    expect(files.sort()).toEqual(readdirSync(into).sort());
    writeFileSync(join(into, 'cabal-40.json'), 'mine');
    expect(await refused('scenarios', '--write', into)).toContain('got cabal-40.json');
    expect(readFileSync(join(into, 'cabal-40.json'), 'utf8')).toBe('mine');
  });

  test('refuses what it does not know', async () => {
    expect(await refused('scenarios', '--show', 'zzz')).toContain('--show: expected one of burn-share, ');
    expect(await refused('scenarios', '--schema', '--show', 'cabal-40')).toContain('expected one of --show');
    expect(await refused('scenarios', '--write', join(small, 'x'))).toContain(
      'a folder that can be written to',
    );
  });
});

test.each(['simulate', 'sweep', 'search', 'scenarios'])(
  'assay emissions %s --help has an example',
  async (name) => {
    const { out } = await assay([name, '--help']);
    expect(out).toMatch(new RegExp(`Examples?:\n  assay emissions ${name} `));
    expect(out).toContain('--seed');
    expect(out).toContain('--json');
  },
);
