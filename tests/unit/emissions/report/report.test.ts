import { describe, expect, test } from 'vitest';
import { type Deviation, deviationsOf } from '../../../../src/emissions/simulator/deviations.js';
import { jsonIn, reportOf, smallRun, tableIn, withoutCode } from './any-report.js';

const run = smallRun();
const deviations = deviationsOf(run);

describe('a report as a file', () => {
  const html = reportOf(run, { deviations });

  test('refers to nothing outside itself', () => {
    expect(html).not.toMatch(/https?:/);
    expect(html).not.toMatch(/\ssrc\s*=/i);
    expect(html).not.toMatch(/\shref="[^#]/);
    expect(html).not.toMatch(/url\(|@import|@font-face|<link|<iframe|<img|<object/i);
  });

  test('forbids the network by its content security policy', () => {
    expect(html).toContain(
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">`,
    );
  });

  test('is the same text for the same parts', () => {
    expect(reportOf(smallRun(), { deviations: deviationsOf(smallRun()) })).toBe(html);
  });

  test('states seed, version, command and the scenario with its defaults', () => {
    expect(html).toContain('<dt>Seed</dt><dd><code>report</code></dd>');
    expect(html).toContain(`assay ${run.version}, chain spec 425`);
    expect(html).toContain('<code id="command">assay emissions report small.json</code>');
    expect(jsonIn(html, 'scenario')).toEqual(run.scenario);
  });

  test('every link of its navigation leads to an element', () => {
    const targets = [...html.matchAll(/<li><a href="#([^"]+)">/g)].map(([, id]) => id!);
    expect(targets).toEqual([
      'deviations',
      'emission',
      'price',
      'tao',
      'validators',
      'miners',
      'scenario-title',
    ]);
    for (const id of targets) expect(html).toContain(`id="${id}"`);
    const ids = [...withoutCode(html).matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('each chart has its table', () => {
    const figures = html.split('<figure ').slice(1);
    expect(figures).toHaveLength(17);
    for (const figure of figures) expect(figure.split('</figure>')[0]).toContain('<details class="table">');
  });
});

describe('text from outside', () => {
  const evil = `</title></script><img src=x onerror="alert(1)">\u2028&'`;
  const html = reportOf(
    smallRun({ title: evil, description: `${evil}\n\n<b>second</b>`, seed: `${evil}seed` }),
    { command: `assay emissions report '${evil}'` },
  );

  test('is escaped wherever it stands', () => {
    expect(html).not.toContain('<img');
    expect(html).not.toContain('<b>second</b>');
    expect(html).toContain('<p>&lt;b&gt;second&lt;/b&gt;</p>');
    expect(html.split('</title>')).toHaveLength(2);
    expect(html.split('</script>')).toHaveLength(5);
    expect(html).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
  });

  test('in JSON has no end of script and no line separator, and reads back as it was', () => {
    const json = /id="scenario">([\s\S]*?)<\/script>/.exec(html)![1]!;
    expect(json).not.toMatch(/[<>\u2028]/);
    expect((jsonIn(html, 'scenario') as { title: string }).title).toBe(evil);
  });

  test('a library that would end its own element is refused', () => {
    const chartLibrary = { name: 'x', script: 'a = "</script>"', style: '', licence: '' };
    expect(() => reportOf(run, { chartLibrary })).toThrow(TypeError);
    expect(() => reportOf(run, { chartLibrary: { ...chartLibrary, script: '', style: '</style>' } })).toThrow(
      TypeError,
    );
  });
});

describe('tables', () => {
  test('hold every column of the series', () => {
    // one epoch of one day, so that a flow a day is the flow; each column has a number of its own
    const daily = smallRun({ epochs: 1, subnet: { tempo: 7200 } });
    const { columns } = daily.series;
    const marked = { ...daily, series: { ...daily.series, points: [columns.map((_, i) => 1000 + i)] } };
    const html = reportOf(marked);
    const cells = new Set(
      [...withoutCode(html).matchAll(/<td>([^<]*)<\/td>/g)].map(([, cell]) => cell!.replaceAll('\u202f', '')),
    );
    const missing = columns.filter((_, i) => !cells.has(`${1000 + i}`) && !cells.has(`${(1000 + i) * 100}`));
    expect(missing).toEqual([]);
  });

  test('have one row for each point of a short run, with epoch and day', () => {
    const [head, ...rows] = tableIn(reportOf(run), 'Emission by role');
    expect(head!.slice(0, 4)).toEqual(['epoch', 'day', 'miners alpha per day', 'validators alpha per day']);
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      ['1', '0.0125'],
      ['2', '0.0250'],
      ['3', '0.0375'],
      ['4', '0.0500'],
      ['5', '0.0625'],
      ['6', '0.0750'],
    ]);
  });

  test('of a long run have 120 rows at most and say what a row stands for', () => {
    const html = reportOf(smallRun({ epochs: 150, subnet: { tempo: 10 } }));
    expect(tableIn(html, 'Price of alpha')).toHaveLength(1 + 75);
    expect(html).toContain('75 rows, each for 2 epochs');
  });

  test('have no number that is none', () => {
    for (const html of [reportOf(run, { deviations }), reportOf(smallRun({ epochs: 1 }))])
      expect(withoutCode(html)).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });

  test('days follow a tempo that changes under way', () => {
    const changed = smallRun({ epochs: 4, changes: [{ epoch: 3, set: { 'subnet.tempo': 180 } }] });
    const rows = tableIn(reportOf(changed), 'Price of alpha').slice(1);
    expect(rows.map(([, day]) => day)).toEqual(['0.0125', '0.0250', '0.0500', '0.0750']);
    expect(changed.days).toBeCloseTo(0.075, 12);
  });

  test('groups have their exact sums', () => {
    const [head, honest] = tableIn(reportOf(run), 'Validators over the whole run');
    expect(head![4]).toBe('earned alpha');
    const earned = Number(run.groups[0]!.earnedAlphaRao) / 1e9;
    expect(Number(honest![4]!.replaceAll('\u202f', ''))).toBeCloseTo(earned, 3);
    expect(honest!.slice(0, 4)).toEqual(['honest', 'honest', 'honest', '2']);
  });
});

describe('deviations', () => {
  const gain: Deviation = {
    coalition: 'ring',
    behaviours: 'cabal: cabal, friends: honest',
    profitTao: -10,
    honestProfitTao: 30,
    earnedAlpha: 1500,
    honestEarnedAlpha: 1000,
    gain: 0.5,
  };
  const loss: Deviation = { ...gain, coalition: 'lazy', earnedAlpha: 500, profitTao: 20, gain: -0.5 };

  test('are bars from a common zero, gain to the right and loss to the left', () => {
    const html = reportOf(run, { deviations: [gain, loss] });
    // alpha: +500 and -500, so zero is in the middle
    expect(html).toContain('<i class="more" style="left:50.00%;width:50.00%">');
    expect(html).toContain('<i class="less" style="left:0.00%;width:50.00%">');
    // TAO: -40 and -10, all left of zero
    expect(html).toContain('<i class="less" style="left:0.00%;width:100.00%">');
    expect(html).toContain('<i class="less" style="left:75.00%;width:25.00%">');
    expect(html).toContain('+500');
    expect(html).toContain('+50.0\u202f%');
    expect(tableIn(html, 'Who gains by deviating')[1]).toEqual([
      'ring',
      'cabal: cabal, friends: honest',
      '1\u202f500',
      '1\u202f000',
      '500',
      '50',
      '\u221210',
      '30',
      '\u221240',
    ]);
  });

  test('nobody who deviates, and runs that were not made, are said', () => {
    expect(reportOf(run, { deviations: [] })).toContain('Nobody deviates: all groups are honest.');
    expect(reportOf(run, { deviations: undefined })).toContain('The honest runs were not made');
  });

  test('a coalition that would have earned nothing has no percentage', () => {
    const html = reportOf(run, { deviations: [{ ...gain, honestEarnedAlpha: 0, gain: undefined }] });
    expect(html).toContain('honest: nothing');
    expect(tableIn(html, 'Who gains by deviating')[1]![5]).toBe('\u2013');
  });
});

test('a scenario without miners has no chapter of them', () => {
  const html = reportOf(smallRun({ miners: [] }));
  expect(html).not.toContain('id="miners"');
  expect(withoutCode(html)).not.toMatch(/NaN|undefined/);
});
