import { describe, expect, test } from 'vitest';

type Files = ReadonlyMap<string, string>;
type Json = Readonly<Record<string, unknown>>;
const part = (name: string) => import(new URL(`../../../scripts/package/${name}.mjs`, import.meta.url).href);
const { faultsOfContents, faultsOfLinks, faultsOfSize } = (await part('tarball')) as {
  faultsOfContents(files: Files, manifest: Json): string[];
  faultsOfLinks(page: string, files: Files): string[];
  faultsOfSize(sizes: Json, budget: Json): string[];
};
const { faultsOfBill, strangersEnv } = (await part('projects')) as {
  faultsOfBill(bill: Json, manifest: Json): string[];
  strangersEnv(env: NodeJS.ProcessEnv, node: string): NodeJS.ProcessEnv;
};
const { examplesIn } = (await part('readme')) as { examplesIn(readme: string): string[] };

const manifest = {
  name: 'mine',
  version: '1.0.0',
  bin: { mine: './dist/main.js' },
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  dependencies: { one: '1.0.0' },
  peerDependencies: { '@a/two': '2.0.0' },
};
const whole = {
  'dist/main.js': "#!/usr/bin/env node\nimport './index.js';\n",
  'dist/index.js':
    "import { a } from 'one';\nimport 'node:fs';\nexport const load = () => import('@a/two/deep');\n",
  'dist/index.d.ts': "export type { B } from './b.js';\n",
  'dist/b.d.ts': 'export interface B {}\n',
};
const faultsWith = (changes: Readonly<Record<string, string | undefined>>): string[] =>
  faultsOfContents(
    new Map(
      Object.entries({ ...whole, ...changes }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    ),
    manifest,
  );

describe('what is in the package', () => {
  test('is right where whatever is named is there', () => {
    expect(faultsWith({})).toEqual([]);
  });

  test.each([
    ['a door that was not built', { 'dist/index.js': undefined }, '.: ./dist/index.js is not packed'],
    [
      'a program that no shell starts',
      { 'dist/main.js': "import './index.js';\n" },
      './dist/main.js: a program without a first line that says what runs it',
    ],
    [
      'an import of what was left behind',
      { 'dist/b.d.ts': undefined },
      'dist/index.d.ts: imports ./b.js, which is not packed',
    ],
    [
      'an import of what an install does not bring',
      { 'dist/c.js': "import { d } from 'three';\n" },
      'dist/c.js: imports three, on which the package does not depend',
    ],
    [
      'a map that is not there',
      { 'dist/c.js': '//# sourceMappingURL=c.js.map\n' },
      'dist/c.js: its map c.js.map is not packed',
    ],
    [
      'a command to install another version',
      { 'dist/c.js': "const why = 'npm install --ignore-scripts @a/two@2.0.1';\n" },
      'dist/c.js: says `npm install --ignore-scripts @a/two@2.0.1`, and package.json has 2.0.0',
    ],
    [
      'a page with a command to install another version',
      { 'docs/c.md': '`npm install @a/two@2.0.1`' },
      'docs/c.md: says `npm install @a/two@2.0.1`, and package.json has 2.0.0',
    ],
    ['a test', { 'dist/c.test.js': '' }, 'dist/c.test.js: not for a package'],
    ['a source', { 'src/index.ts': '' }, 'src/index.ts: not for a package'],
    ['a key', { 'ops/server.key': '' }, 'ops/server.key: not for a package'],
  ])('is wrong with %s', (_what, changes, fault) => {
    expect(faultsWith(changes)).toContain(fault);
  });

  test('is told from what only looks like an import', () => {
    expect(
      faultsWith({ 'dist/c.js': "// import { d } from 'three';\nconst text = \"from 'three'\";\n" }),
    ).toEqual([]);
  });

  test('may have a changelog with commands of its time', () => {
    expect(faultsWith({ 'CHANGELOG.md': '`npm install @a/two@1.0.0`' })).toEqual([]);
  });

  test('has a size', () => {
    expect(faultsOfSize({ packedBytes: 10 }, { packedBytes: 10 })).toEqual([]);
    expect(faultsOfSize({ packedBytes: 11 }, { packedBytes: 10 })).toEqual([
      'packedBytes 11, at most 10 (scripts/package/tarball.mjs)',
    ]);
  });

  test('has what its pages link to, files and folders', () => {
    const readme = '[a](docs/a.md#there) [b](docs) [c](src/c.ts) [d](https://example.com) [e](#f)';
    const files = new Map([
      ['README.md', readme],
      ['docs/a.md', ''],
    ]);
    expect(faultsOfLinks('README.md', files)).toEqual(['README.md: links to src/c.ts, which is not packed']);
  });

  test('lacks pictures of the dashboard, which the site in it has, and no other', () => {
    const page = '![a](screenshots/a.png) ![b](pictures/b.svg)';
    expect(faultsOfLinks('docs/c.md', new Map([['docs/c.md', page]]))).toEqual([
      'docs/c.md: links to docs/pictures/b.svg, which is not packed',
    ]);
  });
});

describe('a bill of materials', () => {
  const component = (name: string, version: string, more: object = {}) => ({
    name,
    version,
    hashes: [{ alg: 'SHA-512', content: '00' }],
    ...more,
  });
  const bill = (...components: object[]) => ({ bomFormat: 'CycloneDX', components });

  test('has each dependency in its version, hashed', () => {
    expect(faultsOfBill(bill(component('mine', '1.0.0'), component('one', '1.0.0')), manifest)).toEqual([]);
  });

  test('is wrong without one, or without its hash', () => {
    expect(
      faultsOfBill(
        bill(
          component('mine', '1.0.0'),
          component('one', '1.1.0'),
          component('b', '2.0.0', { group: '@a', hashes: [] }),
        ),
        manifest,
      ),
    ).toEqual(['one 1.0.0: not in the bill (1.1.0)', '@a/b 2.0.0: no SHA-512 in the bill']);
    expect(faultsOfBill({}, { ...manifest, dependencies: {} })[0]).toBe('no bill in CycloneDX');
  });
});

test('a stranger has nothing of our shell but where the registry is', () => {
  const env = {
    HOME: '/home/me',
    PATH: '/here/node_modules/.bin:/usr/bin',
    npm_config_ignore_scripts: 'true',
    npm_config_registry: 'https://registry.example',
    npm_lifecycle_event: 'test',
    NODE_OPTIONS: '--inspect',
    ASSAY_CHAIN: 'ws://127.0.0.1:1',
  };
  expect(strangersEnv(env, '/opt/node/bin/node')).toEqual({
    HOME: '/home/me',
    PATH: '/opt/node/bin:/usr/bin',
    npm_config_registry: 'https://registry.example',
    npm_config_update_notifier: 'false',
    npm_config_fund: 'false',
    npm_config_audit: 'false',
    npm_config_progress: 'false',
  });
});

test("the page's programs are taken in their order, and no other block", () => {
  expect(examplesIn('# A\n```sh\nx\n```\n```ts\none();\n```\ntext\n```ts\ntwo();\n```\n')).toEqual([
    'one();\n',
    'two();\n',
  ]);
});
