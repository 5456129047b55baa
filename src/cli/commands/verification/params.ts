// Owns: `assay verification params list | show | check | export`. Does not own: the chain (params-publish.ts).
import { z } from 'zod';
import { fromUtf8, toHex } from '../../../model/bytes.js';
import { canonicalJson } from '../../../model/canonical-json.js';
import { isNear } from '../../../model/near.js';
import { assertPhases } from '../../../parameters/phases.js';
import {
  builtInFile,
  encodeParameterFile,
  NO_POLICY,
  type ParameterFile,
  type ParameterSet,
  parameterDigest,
  withTables,
} from '../../../verification/parameter-file.js';
import type { ParamsFacts } from '../../../verification/proof.js';
import { loadFlags } from '../../config.js';
import { counted, factLines } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { type NamedFile, readNamedFile } from '../../parameter-files.js';
import { knownClasses, readNamedPolicy } from '../../policy-files.js';
import { type Known, moduleFlag, openKnown } from '../../subnet-module.js';
import { Table } from '../../table.js';
import { openWholeFile } from '../../whole-file.js';

const path = z.string().min(1).max(4096);

const factsOf = ({ kinds }: Pick<Known, 'kinds'>, { kind, params }: ParameterSet): ParamsFacts =>
  kinds[kind]!.facts(params); // parsed by that kind

const fileOf = async ({ kinds }: Known, file: string | undefined): Promise<ParameterFile> =>
  file === undefined ? builtInFile(kinds) : (await readNamedFile(file, kinds)).file;

const listSchema = z.strictObject({
  ...moduleFlag,
  json: z.boolean().default(false),
  file: path.optional(),
  kind: z.string().max(32).optional(),
});

export async function listParams(flags: Record<string, unknown>): Promise<number> {
  const { json, file, kind: only, module } = loadFlags(listSchema, flags);
  const known = await openKnown(module);
  const { kinds } = known;
  if (only !== undefined && !kinds[only])
    throw invalid('--kind', `one of ${Object.keys(kinds).join(', ')}`, only);
  const table = new Table({
    head: ['kind', 'class', 'params id', 'steps, ms', 'opening ms', 'pays on'],
  });
  for (const set of (await fileOf(known, file)).sets) {
    if (only !== undefined && set.kind !== only) continue;
    const { className, phases, openingMs, localnetOnly } = factsOf(known, set);
    if (json) printJson({ kind: set.kind, class: className, id: set.id, params: set.params });
    else
      table.push([
        set.kind,
        className,
        set.id.slice(0, 16),
        phases.map(({ from, withinMs }) => `${from} ${withinMs}`).join(', '),
        openingMs,
        localnetOnly ? 'localnets' : 'any chain',
      ]);
  }
  if (!json) print(table.toString());
  return EXIT.ok;
}

const showSchema = z.strictObject({
  ...moduleFlag,
  json: z.boolean().default(false),
  file: path.optional(),
});

/** @param which `class`, `kind/class`, or the beginning of a params id */
export async function showParams(which: string, flags: Record<string, unknown>): Promise<number> {
  const { json, file, module } = loadFlags(showSchema, flags);
  const known = await openKnown(module);
  const { sets } = await fileOf(known, file);
  const named = sets.filter(({ kind, className }) => [className, `${kind}/${className}`].includes(which));
  const found = named.length > 0 ? named : sets.filter(({ id }) => which.length >= 8 && id.startsWith(which));
  if (found.length === 0) {
    const near = sets.filter(({ className }) => isNear(which, className)).map(({ className }) => className);
    const hint = near.length > 0 ? `; near it: ${[...new Set(near)].join(', ')}` : '';
    throw invalid('set', 'a class, kind/class, or 8 digits or more of a params id', `${which}${hint}`);
  }
  for (const set of found) {
    if (json) {
      printJson({ kind: set.kind, class: set.className, id: set.id, params: set.params });
      continue;
    }
    const { nominal } = factsOf(known, set);
    print(
      factLines([
        ['set', `${set.kind}/${set.className}`],
        ['params id', set.id],
        ...Object.entries(set.params).map(([key, value]) => [`  ${key}`, value as number | string] as const),
        ['counts one with', ''],
        ...Object.entries(nominal).map(([name, value]) => [`  ${name}`, Math.round(value)] as const),
      ]),
    );
  }
  return EXIT.ok;
}

/** What an owner should see before publishing a file. */
export interface Checked {
  readonly digest: string;
  readonly policy: string;
  readonly bytes: number;
  readonly sets: number;
  /** against the table of this build, as kind/class */
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly left: readonly string[];
  readonly warnings: readonly string[];
}

export function checkNamed({ file, digest, bytes }: NamedFile, known: Known): Checked {
  const { kinds } = known;
  assertPhases(withTables(kinds, [file]));
  const name = ({ kind, className }: ParameterSet) => `${kind}/${className}`;
  const own = new Map(builtInFile(kinds).sets.map((set) => [name(set), set.id]));
  const its = new Map(file.sets.map((set) => [name(set), set.id]));
  return {
    digest,
    policy: file.policy,
    bytes: bytes.length,
    sets: file.sets.length,
    added: [...its.keys()].filter((set) => !own.has(set)),
    changed: [...its].filter(([set, id]) => own.has(set) && own.get(set) !== id).map(([set]) => set),
    left: [...own.keys()].filter((set) => !its.has(set)),
    warnings: [
      ...unequalWindows(file.sets.map((set) => factsOf(known, set))),
      ...(file.policy === NO_POLICY ? ['no policy: its digest is zeros'] : []),
    ],
  };
}

/** What is measured from Go; everything else is, from the Pass. */
const FROM_GO: ReadonlySet<string> = new Set(['opsPerS', 'hashBytesPerS', 'downBytesPerS', 'upBytesPerS']);

/** Sets that credit the same amount may be of one device, and share what it does as long as all of them measure. */
function unequalWindows(all: readonly ParamsFacts[]): string[] {
  const windows = new Map<string, Set<string>>();
  for (const { localnetOnly, nominal, phases } of all) {
    if (localnetOnly) continue;
    for (const resource of Object.keys(nominal)) {
      const from = FROM_GO.has(resource) ? 'go' : 'pass';
      const steps = phases.filter((phase) => phase.from === from).map(({ withinMs }) => withinMs);
      const known = windows.get(resource) ?? new Set();
      windows.set(resource, known.add(from === 'go' ? `${steps[0]}` : steps.join('+')));
    }
  }
  return [...windows]
    .filter(([, lengths]) => lengths.size > 1)
    .map(
      ([resource, lengths]) =>
        `${resource} is measured for ${[...lengths].sort().join(', ')} ms: slots of different windows on one device are credited more than it can do`,
    );
}

const checkSchema = z.strictObject({ ...moduleFlag, json: z.boolean().default(false) });

export async function checkParams(file: string, flags: Record<string, unknown>): Promise<number> {
  const { json, module } = loadFlags(checkSchema, flags);
  const known = await openKnown(module);
  const checked = checkNamed(await readNamedFile(file, known.kinds), known);
  if (json) printJson(checked);
  else print(checkedText(checked));
  return EXIT.ok;
}

export function checkedText(checked: Checked): string {
  const { added, changed, left } = checked;
  const list = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join(', '));
  return [
    factLines([
      ['digest', checked.digest],
      ['policy', checked.policy],
      ['size', `${counted(checked.sets, 'set')}, ${checked.bytes} bytes`],
      ['beside this build’s', list(added)],
      ['other than this build’s', list(changed)],
      ['of this build, left out', list(left)],
    ]),
    ...checked.warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
}

/** One set a line: what a change changes is seen in a diff. */
export function writtenFile({ policy, sets }: ParameterFile): string {
  const [head, tail] = canonicalJson({ policy, sets: [], version: 1 }).split('[]') as [string, string];
  return `${head}[\n${sets.map(({ params }) => canonicalJson(params)).join(',\n')}\n]${tail}\n`;
}

const exportSchema = z.strictObject({
  ...moduleFlag,
  json: z.boolean().default(false),
  out: path.optional(),
  policy: path.optional(),
  class: z.array(z.string().max(64)).max(64).optional(),
});

/** A file to change: what this build holds, with line ends. */
export async function exportParams(flags: Record<string, unknown>): Promise<number> {
  const { out, policy, class: classes, json, module } = loadFlags(exportSchema, flags);
  const known = await openKnown(module);
  const { kinds } = known;
  const place = out === undefined ? undefined : await openWholeFile(out, `--out ${out}`);
  const own = builtInFile(kinds);
  const named = policy === undefined ? undefined : await readNamedPolicy(policy, known, knownClasses(own));
  const all = named ? { ...own, policy: named.digest } : own;
  const sets = all.sets.filter(
    ({ kind, className }) =>
      classes === undefined || classes.some((one) => one === className || one === `${kind}/${className}`),
  );
  if (sets.length === 0)
    throw invalid('--class', 'classes of `assay verification params list`', classes!.join(', '));
  const file = { ...all, sets };
  const text = writtenFile(file);
  if (!place) {
    process.stdout.write(json ? `${fromUtf8(encodeParameterFile(file))}\n` : text);
    return EXIT.ok;
  }
  await place.write(text);
  const written = { out: place.target, digest: toHex(parameterDigest(file)), sets: sets.length };
  if (json) printJson(written);
  else print(`${counted(sets.length, 'set')} to ${place.target}, digest ${written.digest}`);
  return EXIT.ok;
}
