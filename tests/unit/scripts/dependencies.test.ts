import { describe, expect, test } from 'vitest';

type Json = Readonly<Record<string, unknown>>;
type Reasons = ReadonlyMap<string, unknown>;
interface Made {
  readonly problems: readonly string[];
}
const { isAffected, page, reasonsIn, register } = (await import(
  new URL('../../../scripts/dependencies.mjs', import.meta.url).href
)) as {
  isAffected(version: string, fixed: readonly string[]): boolean;
  page(made: Made, kept: Json): string;
  reasonsIn(architecture: string): Reasons;
  register(manifest: Json, lock: Json, kept: Json, reasons: Reasons): Made;
};

const ARCHITECTURE = `# House

## Dependencies

| package | for | version because |
|---|---|---|
| \`one\` 1.0.0, \`two\` 2.0.0 | reading | as one |

## Couplings
| \`three\` 3.0.0 | no reason of a dependency | |
`;
const facts = { version: '1.0.0', license: 'MIT', integrity: 'sha512-abcdefghijklmnop' };
const manifest = {
  dependencies: { one: '1.0.0' },
  devDependencies: { two: '2.0.0' },
  allowScripts: { built: false },
};
const lock = (more: object = {}) => ({
  packages: {
    '': {},
    'node_modules/one': facts,
    'node_modules/two': { ...facts, version: '2.0.0', dev: true },
    ...more,
  },
});
const kept = { looked: '2026-01-01', licences: ['MIT'], licenceAnswers: {}, advisories: [], released: {} };
const problemsOf = (
  more: object = {},
  changes: { manifest?: object; kept?: object; architecture?: string } = {},
): readonly string[] =>
  register(
    { ...manifest, ...changes.manifest },
    lock(more),
    { ...kept, ...changes.kept },
    reasonsIn(changes.architecture ?? ARCHITECTURE),
  ).problems;

describe('the register of dependencies', () => {
  test('finds nothing where everything is declared, exact, hashed and has its reason', () => {
    expect(problemsOf()).toEqual([]);
  });

  test.each([
    ['a range', { manifest: { dependencies: { one: '^1.0.0' } } }, 'one: ^1.0.0 is no exact version'],
    [
      'what has no reason',
      { manifest: { dependencies: { one: '1.0.0', four: '4.0.0' } } },
      'four: no reason in ARCHITECTURE.md',
    ],
    [
      'a reason for another version',
      { architecture: ARCHITECTURE.replace('`one` 1.0.0', '`one` 0.9.0') },
      'one: 1.0.0, and ARCHITECTURE.md gives the reason for 0.9.0',
    ],
    [
      'a reason for what went',
      { manifest: { devDependencies: {} } },
      'two: a reason in ARCHITECTURE.md for what is no dependency',
    ],
  ])('says of %s which', (_what, changes, problem) => {
    expect(problemsOf({}, changes)).toContain(problem);
  });

  test.each([
    ['no hash', { ...facts, integrity: undefined }, 'node_modules/built: no SHA-512 in the lock file'],
    ['a weaker hash', { ...facts, integrity: 'sha1-abc' }, 'node_modules/built: no SHA-512 in the lock file'],
    [
      'a licence nobody looked at',
      { ...facts, license: 'GPL-3.0-only' },
      'node_modules/built: licence GPL-3.0-only is not among those that are taken, nor answered',
    ],
  ])('refuses a package with %s', (_what, installed, problem) => {
    expect(problemsOf({ 'node_modules/built': installed })).toContain(problem);
  });

  test('refuses an install script unless package.json does', () => {
    const built = { 'node_modules/built': { ...facts, hasInstallScript: true } };
    expect(problemsOf(built)).toEqual([]);
    expect(problemsOf(built, { manifest: { allowScripts: {} } })).toEqual([
      'node_modules/built: an install script that package.json does not refuse',
    ]);
  });

  test('refuses a second version of what keys hang on, and of nothing else', () => {
    const twice = (name: string) => ({
      [`node_modules/${name}`]: facts,
      [`node_modules/one/node_modules/${name}`]: { ...facts, version: '1.1.0' },
    });
    expect(problemsOf(twice('@noble/curves'))).toEqual([
      '@noble/curves: 1.0.0 and 1.1.0, two copies of what keys hang on',
    ]);
    expect(problemsOf(twice('long'))).toEqual([]);
  });

  test('wants an answer to an advisory that hits, and none to one that does not', () => {
    const advisory = {
      id: 'A-1',
      package: 'one',
      what: 'x',
      fixed: ['1.0.1'],
      source: 'here',
      date: '2026-01-01',
    };
    const withIt = (more: object) => problemsOf({}, { kept: { advisories: [{ ...advisory, ...more }] } });
    expect(withIt({})).toEqual(['A-1: one 1.0.0 is affected, and nothing says why that is no matter']);
    expect(withIt({ answer: 'not called' })).toEqual([]);
    expect(withIt({ fixed: ['1.0.0'] })).toEqual([]);
    expect(withIt({ fixed: ['1.0.0'], answer: 'not called' })).toEqual([
      'A-1: answered, though no installed version is affected',
    ]);
    expect(withIt({ package: 'gone' })).toEqual(['A-1: gone is not installed any more']);
  });

  test.each([
    ['8.3.2', ['11.1.1', '14.0.0'], true],
    ['11.1.1', ['11.1.1', '14.0.0'], false],
    ['12.0.0', ['11.1.1', '14.0.0'], false],
    ['2.3.1', ['2.3.2', '4.0.4'], true],
    ['4.0.10', ['2.3.2', '4.0.4'], false],
  ])('takes %s against what is fixed in %s for affected: %s', (version, fixed, affected) => {
    expect(isAffected(version, fixed)).toBe(affected);
  });

  test('shows every package with its marks', () => {
    const made = register(
      manifest,
      lock({ 'node_modules/built': { ...facts, hasInstallScript: true } }),
      kept,
      reasonsIn(ARCHITECTURE),
    );
    const text = page(made, kept);
    expect(text).toContain(
      '| `one` | 1.0.0 | not asked | MIT | runs | - | `abcdefghijkl` | reading; as one |',
    );
    expect(text).toContain('| `built` | 1.0.0 | MIT | runs | script, not run, native | `abcdefghijkl` |');
  });
});
