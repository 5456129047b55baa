import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { node, ROOT, scratchProject } from './scratch.js';

const SCRIPT = join(ROOT, 'scripts', 'imports.mjs');
const imports = (files: Record<string, string>, ...args: string[]) => {
  const root = scratchProject(
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`src/${path}`, text])),
  );
  const { code, out } = node(SCRIPT, '--src', join(root, 'src'), ...args);
  return { code, lines: out.trimEnd().split('\n') };
};

describe('imports', () => {
  it('is content with imports that go down', () => {
    const { code, lines } = imports({
      'model/ids.ts': 'export type Uid = number;',
      'keys/keypair.ts': "import type { Uid } from '../model/ids.js';\nexport type K = Uid;",
      'protocol/gen/a_pb.ts': 'export const a = 1;',
      'verification/codec.ts': "import { a } from '../protocol/gen/a_pb.js';\nexport const b = a;",
      'validator/round.ts': "import { b } from '../verification/codec.js';\nexport const c = b;",
    });
    expect([code, lines]).toEqual([0, ['']]);
  });

  it('names file and line of imports that go up or sideways, of types too', () => {
    const { code, lines } = imports({
      'model/ids.ts': "\nimport type { K } from '../keys/keypair.js';\nexport type Uid = K;",
      'keys/keypair.ts': 'export type K = number;',
      'chain/chain.ts': "export const at = import('../protocol/dial.js');",
      'protocol/dial.ts': 'export const dial = 1;',
      'miner/miner.ts': "export { v } from '../validator/v.js';",
      'validator/v.ts': "import { m } from '../cli/main.js';\nexport const v = m;",
      'cli/main.ts': 'export const m = 1;',
    });
    expect(code).toBe(1);
    expect(lines).toEqual([
      'src/chain/chain.ts:1: chain must not lean on protocol: src/protocol/dial.ts',
      'src/miner/miner.ts:1: miner must not lean on validator: src/validator/v.ts',
      'src/model/ids.ts:2: model must not lean on keys: src/keys/keypair.ts',
      'src/validator/v.ts:1: validator must not lean on cli: src/cli/main.ts',
      '4 imports against the floor plan',
    ]);
  });

  it('lets verification and the dashboard have types where the floor plan says so, and only types', () => {
    const { lines } = imports({
      'compute/compute.ts': 'export interface Compute {}\nexport const open = 1;',
      'chain/chain.ts': 'export interface Neuron {}',
      'verification/proof.ts':
        "import type { Compute } from '../compute/compute.js';\nimport { open } from '../compute/compute.js';\nexport type P = Compute;\nexport const o = open;",
      'validator/ledger/entries.ts': 'export interface Entry {}',
      'validator/round.ts': 'export interface Round {}',
      'dashboard/board.ts':
        "import type { Neuron } from '../chain/chain.js';\nimport type { Entry } from '../validator/ledger/entries.js';\nimport type { Round } from '../validator/round.js';\nexport type D = Neuron | Entry | Round;",
    });
    expect(lines).toEqual([
      'src/dashboard/board.ts:3: dashboard must not lean on validator: src/validator/round.ts',
      'src/verification/proof.ts:2: verification may import only types from compute, here it loads src/compute/compute.ts',
      '2 imports against the floor plan',
    ]);
  });

  it('lets the localnet into the codec of the chain and nothing else of it', () => {
    const { lines } = imports({
      'chain/codec/scale.ts': 'export const u8 = 1;',
      'chain/subtensor/reader.ts': 'export const reader = 1;',
      'localnet/state.ts':
        "import { u8 } from '../chain/codec/scale.js';\nimport { reader } from '../chain/subtensor/reader.js';\nexport const s = u8 + reader;",
    });
    expect(lines[0]).toBe(
      'src/localnet/state.ts:2: localnet must not lean on chain: src/chain/subtensor/reader.ts',
    );
  });

  it('keeps what emissions load free of node: modules, however indirectly, but not their types', () => {
    const files = {
      'model/hash.ts': "import { createHash } from 'node:crypto';\nexport const h = createHash;",
      'model/merkle.ts': "import { h } from './hash.js';\nexport const m = h;",
      'emissions/types.ts': "import type { h } from '../model/hash.js';\nexport type T = typeof h;",
    };
    expect(imports(files).code).toBe(0);
    const { lines } = imports({
      ...files,
      'emissions/epoch.ts': "import { m } from '../model/merkle.js';\nexport const e = m;",
    });
    expect(lines[0]).toBe(
      'src/emissions/epoch.ts:1 → src/model/merkle.ts:1 → src/model/hash.ts:1 → node:crypto: emissions must not load node:*: it bundles for a browser',
    );
  });

  it('lets the demo and the attacks have liars, and no command loads them at start', () => {
    const files = {
      'testing/liars.ts': 'export const liar = 1;',
      'cli/commands/demo.ts': "import { liar } from '../../testing/liars.js';\nexport const demo = liar;",
      'cli/main.ts': "export const run = () => import('./commands/demo.js');",
    };
    expect(imports(files).code).toBe(0);
    expect(
      imports({ ...files, 'cli/commands/miner.ts': "export * from '../../testing/liars.js';" }).lines[0],
    ).toBe('src/cli/commands/miner.ts:1: only the demo and attack commands import testing');
    expect(imports({ ...files, 'cli/main.ts': "export * from './commands/demo.js';" }).lines[0]).toBe(
      'src/cli/main.ts:1 → src/cli/commands/demo.ts:1 → ../../testing/liars.js: testing is loaded with every command, import the command lazily',
    );
  });

  it('names one shortest cycle of each knot', () => {
    const { code, lines } = imports({
      'model/a.ts': "import { b } from './b.js';\nexport const a = () => b;",
      'model/b.ts': "\nimport type { c } from './c.js';\nexport const b = (x: typeof c) => x;",
      'model/c.ts': "import { a } from './a.js';\nexport const c = a;",
      'model/d.ts': "import { d } from './d.js';\nexport const e = () => d;",
      'model/z.ts': "import { a } from './a.js';\nexport const z = a;",
    });
    expect(code).toBe(1);
    expect(lines).toEqual([
      'cycle: src/model/a.ts:1 → src/model/b.ts:2 → src/model/c.ts:1 → src/model/a.ts',
      'cycle: src/model/d.ts:1 → src/model/d.ts',
      '2 imports against the floor plan',
    ]);
  });

  it('refuses rooms that are not on the plan, ways out of src and the package by its own name', () => {
    const { lines } = imports({
      'utils/x.ts': 'export const x = 1;',
      'model/a.ts': "import '../../tests/b.js';\nimport 'assay/validator';",
    });
    expect(lines).toEqual([
      "src/model/a.ts:1: '../../tests/b.js' leaves src/",
      "src/model/a.ts:2: imports 'assay/validator': inside the house import the file itself",
      "src/utils/x.ts: room 'utils' is not on the floor plan (scripts/imports.mjs, ARCHITECTURE.md)",
      '3 imports against the floor plan',
    ]);
  });

  it('draws which room leans on which', () => {
    const { code, lines } = imports(
      {
        'model/ids.ts': 'export type Uid = number;\nexport const uid = 1;',
        'keys/k.ts': "import type { Uid } from '../model/ids.js';\nexport type K = Uid;",
        'chain/c.ts':
          "import type { K } from '../keys/k.js';\nimport { uid } from '../model/ids.js';\nexport type C = K;\nexport const c = uid;",
      },
      '--map',
    );
    expect(code).toBe(0);
    expect(lines.slice(1)).toEqual([
      'chain (1)            → model 1, keys 1 (1t)',
      'keys (1)             → model 1 (1t)',
      'model (1)            → nothing',
    ]);
  });
});
