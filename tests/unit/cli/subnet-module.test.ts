import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { BUILT_IN_ALONE, openKnown, threadsFor } from '../../../src/cli/subnet-module.js';
import { defineScoringRule } from '../../../src/scoring/index.js';
import { defineSubnet } from '../../../src/subnet.js';
import { kinds } from '../../../src/verification/kinds/index.js';

const folder = mkdtempSync(join(tmpdir(), 'assay-module-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text = ''): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const mine = { ...kinds['liveness']!, kind: 'mine' };
const even = defineScoringRule({ name: 'even', version: 1, divide: (claims) => claims.map(() => 1n) });
const own =
  (parts = { proofs: [mine], rules: [even] }) =>
  async () => ({ default: defineSubnet(parts) });

describe('what a subnet brings of its own', () => {
  test('stands beside what this build has', async () => {
    const path = file('subnet.mjs');
    const asked: string[] = [];
    const known = await openKnown(path, async (url) => {
      asked.push(url);
      return own()();
    });
    expect(asked).toEqual([pathToFileURL(path).href]);
    expect(Object.keys(known.kinds)).toEqual([...Object.keys(kinds), 'mine']);
    expect(known.kinds['mine']).toBe(mine);
    expect(known.kinds['compute']).toBe(kinds['compute']);
    expect(Object.getPrototypeOf(known.kinds)).toBeNull();
    expect(known.rules).toEqual([even]);
    expect(known.module).toBe(path);
  });

  test('is nothing where no module is named, and no thread loads any', async () => {
    expect(await openKnown(undefined)).toBe(BUILT_IN_ALONE);
    expect(BUILT_IN_ALONE.kinds).toBe(kinds);
    expect(BUILT_IN_ALONE.rules).toEqual([]);
    expect(threadsFor(BUILT_IN_ALONE)).toEqual({});
  });

  test('is loaded by verifier threads from the same file', async () => {
    const path = file('threads.mjs');
    const known = await openKnown(path, own());
    const { module } = threadsFor(known);
    expect(module?.kinds).toBe(known.kinds);
    expect(module?.data).toEqual({ module: path });
    expect(module?.url.pathname).toMatch(/\/cli\/own-verifier-thread\.ts$/);
  });

  test('marks jobs: a worker with other kinds, or with none, takes none of them', async () => {
    const path = file('build.mjs');
    const { build } = await openKnown(path, own());
    expect(build).toMatch(/^\d+\.\d+\.\d+\+[0-9a-f]{16}$/);
    expect(build.startsWith(`${BUILT_IN_ALONE.build}+`)).toBe(true);
    expect((await openKnown(path, own())).build).toBe(build);
    const other = { ...mine, table: kinds['compute']!.table };
    expect((await openKnown(path, own({ proofs: [other], rules: [] }))).build).not.toBe(build);
  });
});

test('rules alone are nothing to who judges: threads load no module, and workers need none', async () => {
  const known = await openKnown(file('rules.mjs'), own({ proofs: [], rules: [even] }));
  expect(known.rules).toEqual([even]);
  expect(known.kinds).toBe(kinds);
  expect(known.build).toBe(BUILT_IN_ALONE.build);
  expect(threadsFor(known)).toEqual({});
});

describe('a module is refused, with the file and what is wrong', () => {
  const refused = (path: string, why: string, load?: () => Promise<unknown>) =>
    expect(openKnown(path, load)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining(`--module ${path}: expected ${why}`),
    });
  const EXPECTED = 'a module whose default export is made with defineSubnet of assay, got ';

  test('that is not there, or no file', async () => {
    await refused(join(folder, 'none.mjs'), `${EXPECTED}none there`);
    await refused(folder, `${EXPECTED}a folder`);
  });

  test('that cannot be loaded', async () => {
    const path = file('broken.mjs');
    const throwing = (error: unknown) => async () => {
      throw error;
    };
    const why = 'a module that can be loaded, got ';
    await refused(path, `${why}SyntaxError: Unexpected token`, throwing(new SyntaxError('Unexpected token')));
    await refused(path, `${why}a`, throwing('a\nb'));
    await expect(openKnown(file('throws.mjs', "throw new RangeError('at once');"))).rejects.toThrow(
      `${why}RangeError: at once`,
    );
  });

  test('whose default export is none of ours', async () => {
    await refused(file('empty.mjs'), `${EXPECTED}one without a default export`);
    await refused(file('plain.mjs', 'export default { proofs: [] };'), `${EXPECTED}another default export`);
    await refused(file('null.mjs', 'export default null;'), `${EXPECTED}another default export`);
  });

  test('that another installation of assay made, whose errors and types are none of ours', async () => {
    const text = "export default { proofs: [], rules: [], [Symbol.for('assay.subnet')]: {} };";
    await refused(
      file('other.mjs', text),
      "one of this installation of assay: run the assay of the module's own project (npx assay in its folder), got one made by another installation",
    );
  });

  test('whose kinds and rules cannot stand beside one another', async () => {
    const path = file('names.mjs');
    const why = 'a module that can be loaded, got TypeError: ';
    const made = (parts: object) => async () => ({ default: defineSubnet(parts) });
    const { compute } = kinds;
    await refused(
      path,
      `${why}proofs[0]: a kind named compute is part of Assay`,
      made({ proofs: [compute] }),
    );
    await refused(path, `${why}proofs[1]: a second kind named mine`, made({ proofs: [mine, { ...mine }] }));
    await refused(path, `${why}proofs[0]: expected a proof kind (defineProof)`, made({ proofs: [{}] }));
    await refused(
      path,
      `${why}rules[0]: expected a scoring rule (defineScoringRule)`,
      made({ rules: [null] }),
    );
    await refused(path, `${why}rules: two of even, version 1`, made({ rules: [even, { ...even }] }));
    await refused(path, `${why}defineSubnet: expected proofs and rules, got kinds`, made({ kinds: [] }));
  });
});
