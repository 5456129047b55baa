// Owns: the chart library as reports take it in. Does not own: reports (emissions/report).
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { ChartLibrary } from '../emissions/report/page.js';

/** As it stands in node_modules, version and licence with it. */
export async function chartLibrary(): Promise<ChartLibrary> {
  const require = createRequire(import.meta.url);
  const [script, style, licence, manifest] = await Promise.all(
    [
      require.resolve('uplot/dist/uPlot.iife.min.js'),
      require.resolve('uplot/dist/uPlot.min.css'),
      require.resolve('uplot/LICENSE'),
      require.resolve('uplot/package.json'),
    ].map((file) => readFile(file, 'utf8')),
  );
  const { version } = JSON.parse(manifest) as { version: string };
  return { name: `uPlot ${version}`, script, style, licence };
}
