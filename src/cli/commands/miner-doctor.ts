// Owns: `assay miner doctor`: the proofs on this very host, what each would be credited, and what to do where one fails.
// Does not own: sessions with validators; what a credit earns (scoring).
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { dataPaths } from '../assemble.js';
import { backendLines } from '../backend-lines.js';
import { integerBetween, loadFlags } from '../config.js';
import { SUBJECTS } from '../doctor/classes.js';
import { examine } from '../doctor/examine.js';
import { computes, type Finding, type Host, ON_A_DEVICE } from '../doctor/finding.js';
import { type OpenedHost, openHost } from '../doctor/host.js';
import { show } from '../doctor/report.js';
import { invalid } from '../invalid-input.js';
import { EXIT, print, printJson } from '../output.js';
import { type LastSight, noteSight, sightLines } from '../sights.js';

const schema = z.strictObject({
  /** the only part so far */
  proofs: z.boolean().optional(),
  kind: z.array(z.string().max(32)).min(1).max(16).optional(),
  class: z.string().max(64).optional(),
  small: z.boolean().default(false),
  plots: z.array(z.string().min(1).max(4096)).min(1).max(64).optional(),
  threads: integerBetween(1, 256, 'threads').optional(),
  device: z.string().min(1).max(32).optional(),
  /** of the miner: what validators told it */
  data: z.string().min(1).max(4096).optional(),
  json: z.boolean().default(false),
});

type Options = z.infer<typeof schema>;

/**
 * Proves on this very host what there is to prove.
 * @returns 0 where nothing failed, what is not for this host left out; else 1
 * @throws AssayError `invalid-config`, `invalid-input` for flags
 */
export async function doctor(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  const began = performance.now();
  const { kinds } = await import('../../verification/kinds/index.js');
  const names = wanted(options, kinds);
  const findings: Finding[] = [];
  const opened = await openHost(options, names, signal);
  try {
    for (const name of names) {
      signal.throwIfAborted();
      const host: Host = { ...opened, findings };
      findings.push(await examine(kinds[name]!, host, options, signal)); // `wanted` has looked
      if (options.json) printJson(findings.at(-1));
    }
  } finally {
    await opened.close();
  }
  const notes = notesOf(opened, findings);
  if (!options.json) show(findings, { ...opened, notes }, options, performance.now() - began);
  else if (notes)
    printJson({ device: { id: opened.card?.id ?? 'cpu', name: opened.devices.compute.name, notes } });
  if (options.data !== undefined) await showSights(options.data, options.json);
  return findings.some(({ state }) => state === 'failed') ? EXIT.failed : EXIT.ok;
}

/** Whether others reach the link port is nothing that this host could find out by itself: what validators signed says it. */
async function showSights(data: string, asJson: boolean): Promise<void> {
  const { readReceipts } = await import('../../miner/receipts.js');
  const path = dataPaths.receipts(data);
  const last = new Map<string, LastSight>();
  // a miner that was never challenged has no such file
  if (existsSync(path)) for await (const row of readReceipts(path)) noteSight(last, row);
  if (asJson) for (const sight of last.values()) printJson({ kind: 'bandwidth', sight });
  else if (last.size === 0) print('no validator has looked for the link port of this miner yet');
  else for (const line of sightLines(last)) print(line);
}

function wanted(
  { kind: asked, class: named, plots, device }: Options,
  kinds: Readonly<Record<string, unknown>>,
): string[] {
  const known = [
    ...Object.keys(SUBJECTS).filter((name) => kinds[name]),
    ...Object.keys(kinds).filter((kind) => !SUBJECTS[kind]),
  ];
  const unknown = asked?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid('--kind', `one of ${known.join(', ')}`, unknown);
  if (named !== undefined && asked?.length !== 1)
    throw invalid('--class', 'exactly one --kind beside it', `${asked?.length ?? 0}`);
  if (plots !== undefined && asked !== undefined && !asked.includes('storage'))
    throw invalid('--plots', 'it for storage', asked.join(', '));
  if (device !== undefined && asked !== undefined && !computes(asked))
    throw invalid('--device', `it for ${ON_A_DEVICE.join(', ')}`, asked.join(', '));
  return asked ?? known;
}

/** What its backend cannot do, and why no better one was used; undefined where nothing computed. */
function notesOf({ devices, card, found }: OpenedHost, findings: readonly Finding[]): string[] | undefined {
  if (!found) return undefined;
  const products = findings.find(({ kind, state }) => kind === 'compute' && state === 'proven');
  const { compute } = devices;
  return backendLines({
    compute,
    card,
    found,
    products: products?.class === undefined ? undefined : { class: products.class, share: products.share },
  });
}
