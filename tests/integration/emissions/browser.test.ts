// The street door of emissions as a browser would load it: bundled, without a single global of Node.
import { createContext, runInContext } from 'node:vm';
import { build, type Metafile } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';

let code = '';
let metafile: Metafile;

beforeAll(async () => {
  const result = await build({
    entryPoints: ['src/emissions/index.ts'],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'emissions',
    target: 'es2022',
    write: false,
    metafile: true,
  });
  code = result.outputFiles[0]!.text;
  metafile = result.metafile;
});

it('loads its own room, the values below it and zod: no chain client, no gRPC', () => {
  const sources = Object.keys(metafile.inputs).filter((path) => !path.startsWith('node_modules/zod/'));
  expect(sources.filter((path) => !/^src\/(emissions|model)\//.test(path))).toEqual([]);
});

it('runs where there is nothing of Node', () => {
  const context = createContext({ structuredClone });
  runInContext(code, context);
  const summary: unknown = runInContext(
    `const scenario = emissions.withParameter(emissions.scenarioNamed('cabal-40'), 'epochs', 3);
     const result = emissions.simulate(scenario);
     JSON.stringify({ process: typeof process, groups: result.groups.map(({ name }) => name), share: result.taoShare > 0 })`,
    context,
  );
  expect(JSON.parse(String(summary))).toEqual({
    process: 'undefined',
    groups: ['honest', 'cabal', 'miners', 'friends'],
    share: true,
  });
});
