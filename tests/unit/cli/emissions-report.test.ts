import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { writeReport } from '../../../src/cli/commands/emissions/report.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { metricsOf } from '../../../src/emissions/simulator/metrics.js';
import { parseScenario, type ScenarioFile } from '../../../src/emissions/simulator/scenario.js';
import { simulate } from '../../../src/emissions/simulator/simulate.js';
import { pointsOf, scenarioAt } from '../../../src/emissions/simulator/sweep.js';
import { AssayError } from '../../../src/model/errors.js';
import { VERSION } from '../../../src/model/version.js';

vi.mock('../../../src/cli/simulations.js', async (original) => {
  const actual = await original<typeof import('../../../src/cli/simulations.js')>();
  const { withSharedThreads } = await import('../../support/bundled-worker.js');
  return { ...actual, createSimulations: await withSharedThreads(actual.createSimulations) };
});

const scenario: ScenarioFile = {
  name: 'tiny',
  title: 'A tiny subnet',
  epochs: 5,
  subnet: { tempo: 60 },
  validators: [{ name: 'honest', count: 2, stakeAlpha: 50_000, rootTao: 100 }],
  miners: [
    { name: 'good', count: 2 },
    { name: 'twin', behaviour: { kind: 'sybil', copies: 2 } },
  ],
};

let folder: string;
let file: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-report-'));
  file = join(folder, 'tiny.json');
  out = join(folder, 'tiny.html');
  writeFileSync(file, JSON.stringify(scenario));
});
afterEach(() => {
  vi.restoreAllMocks();
  // a browser's last process may still be writing its profile
  rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 50 });
});

async function written(flags: Record<string, unknown> = {}): Promise<string> {
  const texts: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    texts.push(String(text));
    return true;
  });
  expect(await writeReport(file, { out, ...flags }, new AbortController().signal)).toBe(0);
  vi.restoreAllMocks();
  return texts.join('');
}

async function refused(flags: Record<string, unknown>, exitCode = 2): Promise<string> {
  const error: unknown = await writeReport(file, { out, ...flags }, new AbortController().signal).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AssayError);
  expect(exitCodeOf(error)).toBe(exitCode);
  return (error as AssayError).message;
}

/** The file of a sweep of two burn shares, as `sweep --out` writes it, and what `sweep --json` prints of it. */
function sweepTexts(): { lines: string[]; document: string } {
  const parsed = parseScenario(scenario);
  const axes = [
    { path: 'owner.burnShare', values: [0, 0.5] },
    { path: 'subnet.kappa', values: [20_000, 32_767] },
  ];
  const rows = pointsOf(axes).map((at) => ({
    at,
    metrics: metricsOf(simulate(scenarioAt(parsed, axes, at), { points: 2 })),
  }));
  const header = { assay: 'sweep', digest: 'd', version: VERSION, axes, scenario: parsed };
  return {
    lines: [header, ...rows.map((row, point) => ({ point, ...row }))].map((line) => JSON.stringify(line)),
    document: JSON.stringify({ version: VERSION, seed: 'assay', scenario: parsed, axes, rows }),
  };
}

const dataIn = (html: string): { sweep?: { metrics: { name: string; values: number[] }[] } } =>
  JSON.parse(/id="report-data">([\s\S]*?)<\/script>/.exec(html)![1]!);

describe('assay emissions report', () => {
  test('writes one file with the chart library inside and says where', async () => {
    expect(await written()).toMatch(/tiny\.html: \d+ KiB\n$/);
    const html = readFileSync(out, 'utf8');
    expect(html).toContain('var uPlot=function()');
    expect(html).toContain('Copyright (c) 2022 Leon Sorokin');
    expect(html).toContain('uPlot 1.6.32');
    expect(html).toContain('twin: sybil');
    expect(readdirSync(folder).sort()).toEqual(['tiny.html', 'tiny.json']);
  });

  test('writes the same bytes again, over its own earlier report', async () => {
    await written();
    const before = readFileSync(out);
    await written();
    expect(readFileSync(out).equals(before)).toBe(true);
  });

  test('--json says path, bytes and what the report is of', async () => {
    const said = JSON.parse(await written({ json: true, seed: 'other seed', set: ['owner.burnShare=0.5'] }));
    expect(said).toEqual({
      path: out,
      bytes: statSync(out).size,
      scenario: 'tiny',
      seed: 'other seed',
      version: VERSION,
      epochs: 5,
      deviations: 1,
      command: `assay emissions report ${file} --seed 'other seed' --set owner.burnShare=0.5 --out ${out}`,
    });
    expect(readFileSync(out, 'utf8')).toContain('&quot;burnShare&quot;: 0.5');
  });

  test('--no-deviations leaves the honest runs out', async () => {
    await written({ deviations: false });
    expect(readFileSync(out, 'utf8')).toContain('The honest runs were not made for this report.');
  });

  test('does not write over a file that is no report, unless forced', async () => {
    writeFileSync(out, 'my notes');
    expect(await refused({})).toContain(
      'expected a new file or an earlier report; --force writes over others',
    );
    expect(readFileSync(out, 'utf8')).toBe('my notes');
    await written({ force: true });
    expect(readFileSync(out, 'utf8')).toContain('<!doctype html>');
  });

  test('refuses a folder that is not there before it runs anything', async () => {
    expect(await refused({ out: join(folder, 'no', 'report.html') })).toContain(
      'a folder that can be written to',
    );
    expect(await refused({ out: folder })).toContain('expected a regular file');
  });

  test('returns 130 and writes nothing when it is interrupted', async () => {
    const aborted = AbortSignal.abort(new Error('Ctrl-C'));
    expect(await writeReport(file, { out }, aborted)).toBe(130);
    expect(existsSync(out)).toBe(false);
  });
});

describe('--sweep', () => {
  const { lines, document } = sweepTexts();
  const sweepFile = (text: string): string => {
    const path = join(folder, 'sweep.jsonl');
    writeFileSync(path, text);
    return path;
  };

  test('takes the lines of sweep --out, one that was cut off passed over', async () => {
    const whole = sweepFile(`${lines.join('\n')}\n`);
    await written({ sweep: whole, json: true });
    const shares = dataIn(readFileSync(out, 'utf8')).sweep!.metrics.find(
      ({ name }) => name === 'burned.share',
    )!;
    expect(shares.values.map((value) => value.toFixed(1))).toEqual(['0.0', '0.0', '0.5', '0.5']);

    const cut = sweepFile(`${lines.slice(0, 3).join('\n')}\n${lines[3]!.slice(0, 20)}`);
    expect(JSON.parse(await written({ sweep: cut, json: true })).sweepPoints).toBe(2);
  });

  test('takes what sweep --json prints', async () => {
    expect(JSON.parse(await written({ sweep: sweepFile(document), json: true })).sweepPoints).toBe(4);
  });

  test('names the line that is no row, and refuses what is no sweep', async () => {
    const broken = sweepFile(`${lines[0]}\n{"point":0}\n`);
    expect(await refused({ sweep: broken }, 1)).toBe(`${broken}, line 2: no row of a sweep`);
    expect(await refused({ sweep: file })).toContain('expected a file of assay emissions sweep --out');
    expect(await refused({ sweep: join(folder, 'none') })).toContain('expected a file that can be read');
  });
});

const browser = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (browser === undefined) console.warn('skipped: the report in a browser, no Chromium on this machine');

test.skipIf(browser === undefined)(
  'a browser draws every chart and the heat map, without an error',
  async () => {
    const { document } = sweepTexts();
    const sweep = join(folder, 'sweep.json');
    writeFileSync(sweep, document);
    await written({ sweep });
    // what fails in the page would stand in its log
    const { stdout, stderr } = await promisify(execFile)(
      browser!,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--enable-logging=stderr',
        '--window-size=390,900',
        `--user-data-dir=${join(folder, 'profile')}`,
        '--dump-dom',
        `file://${out}`,
      ],
      { maxBuffer: 64 << 20, timeout: 50_000 },
    );
    expect(stderr).not.toMatch(/CONSOLE.*(Error|Refused|violates)/);
    expect(stdout.split('<canvas').length - 1).toBe(14);
    const squares = [...stdout.matchAll(/data-said="([^"]*)"/g)].map(([, said]) => said);
    expect(squares).toHaveLength(4);
    expect(squares[3]).toMatch(/^owner\.burnShare = 0\.5, subnet\.kappa = 32\u202f767: /);
    expect(stdout).toMatch(/aria-valuetext="epoch 5, day 0\.04167: miners [\d\u202f.]+, validators /);
  },
);
