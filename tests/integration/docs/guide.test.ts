// The blocks of docs/guide/emissions.md, bundled against the sources and run: each prints what stands under it.
import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const page = readFileSync('docs/guide/emissions.md', 'utf8');
const examples = [...page.matchAll(/## ([^\n]+)\n[^#]*?```js\n(.*?)```\n```\n(.*?)```/gs)];

it('has examples', () => {
  expect(examples.map(([, title]) => title)).toEqual([
    'One epoch',
    'A subnet of your own',
    'Looking for a number',
  ]);
});

it.each(examples.map(([, title, code, output]) => [title!, code!, output!] as const))(
  'prints what it says: %s',
  async (_, code, output) => {
    const bundle = await build({
      stdin: {
        contents: `export const done = (async () => {})();\n${code}`,
        resolveDir: process.cwd(),
        loader: 'js',
      },
      bundle: true,
      platform: 'browser',
      format: 'esm',
      target: 'es2022',
      alias: { 'assay/emissions': `${process.cwd()}/src/emissions/index.ts` },
      write: false,
    });
    const script = bundle.outputFiles[0]!.text.replace(/export \{[^}]*\};\s*$/, '');
    const lines: string[] = [];
    const print = (...values: unknown[]): void => {
      lines.push(
        values.map((value) => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value))).join(' '),
      );
    };
    await runInContext(
      `(async () => {\n${script}\n})()`,
      createContext({ structuredClone, console: { log: print } }),
    );
    expect(`${lines.join('\n')}\n`).toBe(output);
  },
);
