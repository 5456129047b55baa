// Blocks of JavaScript over assay/emissions, bundled against the sources and run as a browser would: each prints what stands
// under it.
import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const PAGES = {
  'docs/guide/emissions.md': ['One epoch', 'A subnet of your own', 'Looking for a number'],
  'docs/economics.md': [
    'What a subnet mints',
    "Where root's part is recycled",
    'What a slot is paid',
    'What it sells for',
  ],
} as const;

describe.each(Object.entries(PAGES))('%s', (path, titles) => {
  const page = readFileSync(path, 'utf8');
  const examples = [...page.matchAll(/## ([^\n]+)\n[^#]*?```js\n(.*?)```\n```\n(.*?)```/gs)];

  it('has examples, and none that is not run', () => {
    expect(examples.map(([, title]) => title)).toEqual(titles);
    expect([...page.matchAll(/^```js$/gm)]).toHaveLength(titles.length);
  });

  it.each(examples.map(([, title, code, output]) => [title!, code!, output!] as const))(
    'prints what it says: %s',
    async (_, code, output) => expect(await printedBy(code)).toBe(output),
  );
});

async function printedBy(code: string): Promise<string> {
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
  return `${lines.join('\n')}\n`;
}
