import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Attack } from '../../../../src/testing/attacks/attack.js';
import { attacksPage } from '../../../../src/testing/attacks/markdown.js';
import { ATTACKS } from '../../../../src/testing/attacks/registry.js';
import { type AttackRow, runAttack, runWithoutRule, summarise } from '../../../../src/testing/attacks/run.js';

const never = new AbortController().signal;
const options = (runs: number) => ({ runs, seed: 'unit', confidence: 0.9999 });

/** Seconds a run: the command runs them, and says what came of them in docs/proofs/attacks.md. */
const SLOW = new Set(['compute/r-leak-forger', 'bandwidth/line-sharer']);

/** A handful of runs at a time, as often as luck may have it; where nothing may be accepted, luck is not asked twice. */
async function untilSuccess(
  run: (options: { runs: number; seed: string; confidence: number }) => Promise<AttackRow | undefined>,
  tries: number,
): Promise<AttackRow[]> {
  const rows: AttackRow[] = [];
  for (let attempt = 0; attempt < tries; attempt++) {
    const row = await run({ ...options(3), seed: `unit ${attempt}` });
    if (row) rows.push(row);
    if (!row || row.succeeds) break;
  }
  return rows;
}

/** Rows until one of them succeeds, the weakest attacker first. */
async function firstSuccess(attack: Attack): Promise<AttackRow[]> {
  const rows: AttackRow[] = [];
  for (const strength of attack.strengths) {
    const tries = attack.bounds === 'acceptance' && attack.bound(strength) > 0 ? 15 : 1;
    rows.push(...(await untilSuccess((given) => runAttack(attack, strength, given, never), tries)));
    if (rows.at(-1)!.succeeds) return rows;
  }
  for (const strength of attack.without?.strengths ?? attack.strengths) {
    rows.push(...(await untilSuccess((given) => runWithoutRule(attack, strength, given, never), 3)));
    if (rows.at(-1)!.succeeds) return rows;
  }
  return rows;
}

describe('every attack', () => {
  test('has a name of its own within its kind', () => {
    const names = ATTACKS.map(({ kind, name }) => `${kind}/${name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(
    ATTACKS.filter(({ kind, name }) => !SLOW.has(`${kind}/${name}`)).map(
      (attack) => [`${attack.kind}/${attack.name}`, attack] as const,
    ),
  )('%s succeeds somewhere, and nowhere beyond its bound', async (_, attack) => {
    const { above, broken } = summarise(attack, await firstSuccess(attack));
    expect({ above, broken }).toEqual({ above: false, broken: false });
  });
});

describe('what the attackers of the review came to', () => {
  const find = (name: string): Attack => ATTACKS.find((attack) => attack.name === name)!;
  const credit = async (name: string, strength: number): Promise<number> =>
    (await runAttack(find(name), strength, options(8), never)).maxCredit;
  const without = async (name: string, strength: number): Promise<number> =>
    (await runWithoutRule(find(name), strength, options(2), never))!.maxCredit;

  test.each([2, 4, 8])('%i slots on one device earn one device, and the skew', async (slots) => {
    expect(await credit('serial-sharer-hotkeys', slots)).toBeLessThanOrEqual(1.026);
    expect(await credit('serial-sharer-slots', slots)).toBeLessThanOrEqual(1.026);
    let harmonic = 0;
    for (let i = 1; i <= slots; i++) harmonic += 1 / i;
    // credit over own time was 1 + 1/2 + ... + 1/k
    expect(await without('serial-sharer-hotkeys', slots)).toBeGreaterThan(0.99 * harmonic);
  });

  test('six hotkeys on five devices earn five', async () => {
    expect(await credit('rotating-absentee', 6)).toBeCloseTo(5, 6);
    expect(await without('rotating-absentee', 6)).toBe(6);
    expect(await credit('declared-absentee', 6)).toBeCloseTo(5, 6);
    expect(await without('declared-absentee', 6)).toBe(6);
    expect(await credit('capped-absentee', 6)).toBeCloseTo(5, 6);
    expect(await credit('loop-flooder', 100)).toBeLessThanOrEqual(5.06);
    expect(await without('loop-flooder', 100)).toBe(6);
  });

  test.each([4096, 8192])(
    'a row moved by a prime passes the first rules at n = %i, and none of ours',
    async (n) => {
      expect(await credit(`plus-minus-p-${n}`, n)).toBe(0);
      expect(await credit(`plus-minus-p-${n}`, 1)).toBe(0);
      expect(await without(`plus-minus-p-${n}`, n)).toBe(1);
    },
  );

  test('somebody with half of the memory that he names is credited no more than half', async () => {
    expect(await credit('partial-memory', 0.5)).toBeLessThanOrEqual(0.5);
    expect(await credit('late-big-memory', 2)).toBeLessThanOrEqual(0.5);
    expect(await without('late-big-memory', 2)).toBe(1);
  });
});

describe('a row', () => {
  const content: Attack = {
    kind: 'toy',
    name: 'coin',
    what: 'throws a coin',
    origin: 'none',
    strength: 'nothing',
    strengths: [1],
    bounds: 'acceptance',
    bound: () => 0.5,
    tight: true,
    own: () => 0,
    stoppedBy: 'nothing',
    run: async (_, random) => {
      const accepted = random.below(2) === 1;
      return { accepted, credit: accepted ? 1 : 0 };
    },
  };
  const rowOf = (change: Partial<Attack>) => runAttack({ ...content, ...change }, 1, options(400), never);

  test('lies within its bound, above it or below it', async () => {
    expect((await rowOf({})).verdict).toBe('within');
    expect((await rowOf({ bound: () => 0.3 })).verdict).toBe('above');
    expect((await rowOf({ bound: () => 0.7 })).verdict).toBe('below');
    expect((await rowOf({ bound: () => 0.7, tight: false })).verdict).toBe('within');
    expect((await rowOf({ bounds: 'credit', bound: () => 0.99, tight: false })).verdict).toBe('above');
  });

  test('says that an attack which earns nothing anywhere is broken', async () => {
    const attack: Attack = { ...content, run: async () => ({ accepted: false, credit: 0 }), bound: () => 0 };
    expect(summarise(attack, [await runAttack(attack, 1, options(10), never)]).broken).toBe(true);
    expect(summarise(content, [await rowOf({})]).broken).toBe(false);
  });

  test('is the same for the same seed, and stops when it is told', async () => {
    expect(await rowOf({})).toEqual(await rowOf({}));
    await expect(runAttack(content, 1, options(10), AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
  });
});

describe('the page', () => {
  test('has a line for each strength, and says how it was made', async () => {
    const attack = ATTACKS.find(({ name }) => name === 'pooled-cards')!;
    const rows = [
      await runAttack(attack, 2, options(1), never),
      (await runWithoutRule(attack, 2, options(1), never))!,
    ];
    const table = { seed: 'unit', runs: 1, confidence: 0.99, rows, summaries: [summarise(attack, rows)] };
    const page = attacksPage([attack], table, 'assay verification attack');
    expect(page).toContain('Written by `assay verification attack`');
    expect(page).toContain(
      '| compute | pooled-cards | several small cards as one big one | - | none |  | 2 |',
    );
    expect(page).toContain('| without | 2 | 1 of 1 |');
  });

  test('of docs says of each attack what its source says, whatever was measured since', () => {
    const table = { seed: 'assay', runs: 200, confidence: 0.999, rows: [], summaries: [] };
    const texts = attacksPage(ATTACKS, table, 'anything').split('\n');
    const page = readFileSync(new URL('../../../../docs/proofs/attacks.md', import.meta.url), 'utf8');
    const lines = new Set(page.split('\n'));
    expect(texts.filter((line) => !lines.has(line))).toEqual([
      expect.stringMatching(/^Written by `anything`/),
    ]);
    for (const { kind, name, origin } of ATTACKS)
      expect(page).toContain(`| ${kind} | ${name} | ${origin} | `);
  });
});
