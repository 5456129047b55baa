// The localnet's metadata against a main network's, item by item, and the page that says what is missing.
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeMetadata, encodeMetadataV15 } from '../../../src/chain/codec/metadata.js';
import { call, innerEnum, type Pallet } from '../../../src/chain/codec/pallet.js';
import { runtimeVersionCodec } from '../../../src/chain/codec/pallets/system.js';
import { pallets, runtimeApis, runtimeCall, runtimeVersion } from '../../../src/chain/codec/runtime.js';
import { method, runtimeApi } from '../../../src/chain/codec/runtime-api.js';
import { compact, decode, u16, u32, variants } from '../../../src/chain/codec/scale.js';
import { map, storageOf, twox } from '../../../src/chain/codec/storage.js';
import { toHex } from '../../../src/model/bytes.js';
import {
  type Comparison,
  type Count,
  compareMetadata,
  type Kind,
  readMetadata,
  type Side,
} from './compare-metadata.js';

const PAGE = 'docs/localnet-coverage.md';
const IN_PALLETS: readonly Kind[] = ['calls', 'storage', 'events', 'errors', 'constants'];

// metadata V16 of Subtensor's mainnet, spec 424; not part of the repository (CONTRIBUTING.md, Tests)
const path = process.env.ASSAY_TEST_METADATA;
if (!path) console.warn("skipped: no real chain's metadata; ASSAY_TEST_METADATA names its file");

const v14 = readMetadata(encodeMetadata(pallets));
const v15 = readMetadata(encodeMetadataV15(pallets, runtimeApis));

describe.skipIf(!path)('against the metadata of a real Subtensor', () => {
  let real: Side;
  let comparison: Comparison;
  beforeAll(() => {
    real = readMetadata(readFileSync(path!));
    comparison = compareMetadata(v15, real);
  });

  it.each([
    ['V14', v14],
    ['V15', v15],
  ])('describes nothing otherwise in %s but the version itself', (_, ours) => {
    // another spec version, name of the implementation, and fewer runtime APIs
    expect(compareMetadata(ours, real).differences.map((line) => line.split(': ')[0])).toEqual([
      'System.Version value',
    ]);
  });

  it('serves runtime APIs at the versions at which it serves them', () => {
    const version = versionOf(real);
    const theirs = new Map(version.apis.map(([hash, number]) => [toHex(hash), number]));
    for (const [hash, number] of runtimeVersion.apis) expect(theirs.get(toHex(hash))).toBe(number);
    expect(version.spec_name).toBe(runtimeVersion.spec_name);
    expect(version.transaction_version).toBe(runtimeVersion.transaction_version);
  });

  it('lacks what the page says', () => {
    const page = pageOf(comparison, versionOf(real).spec_version);
    if (process.env.ASSAY_WRITE_DOCS === '1') writeFileSync(PAGE, page);
    else expect(readFileSync(PAGE, 'utf8')).toBe(page);
  });
});

it('has nothing that the page says it lacks', () => {
  const listed = missingOnPage(readFileSync(PAGE, 'utf8'));
  expect(listed.length).toBeGreaterThan(100);
  const nothing = readMetadata(encodeMetadataV15([], {}));
  const own = compareMetadata(nothing, v15).missing.flatMap(({ where, kind, names }) =>
    names.map((name) => `${where} ${kind} ${name}`),
  );
  const has = new Set(own);
  const remedy = `take these off ${PAGE}, or have it written: ASSAY_WRITE_DOCS=1 ASSAY_TEST_METADATA=FILE`;
  expect(
    listed.filter((name) => has.has(name)),
    remedy,
  ).toEqual([]);
});

describe('the comparison', () => {
  const against = (change: (pallet: Pallet) => Partial<Pallet>, name: string): readonly string[] => {
    const changed = pallets.map((pallet) =>
      pallet.name === name ? { ...pallet, ...change(pallet) } : pallet,
    );
    return compareMetadata(readMetadata(encodeMetadata(changed)), v15).differences;
  };

  it('finds nothing between a chain and itself, in either form', () => {
    expect(compareMetadata(v14, v15).differences).toEqual([]);
    expect(compareMetadata(v15, v15)).toMatchObject({ differences: [], missing: [] });
  });

  it('finds another index, name, hasher, type, default and value', () => {
    expect(against(() => ({ index: 9 }), 'Swap')).toEqual(['Swap index: 9 here, 28 there']);
    const errors = [['RequireSudo', 1]] as const;
    expect(against(() => ({ errors }), 'Sudo')).toEqual(['Sudo.RequireSudo index: 1 here, 0 there']);
    const storage = storageOf('Swap', { FeeRate: map([twox(u32)] as const, u16, 34) });
    expect(against(() => ({ storage }), 'Swap')).toEqual([
      'Swap.FeeRate key: U32 here, U16 there',
      'Swap.FeeRate default: 0x2200 here, 0x2100 there',
    ]);
    const constants = { SS58Prefix: { type: u32, value: 13 } };
    expect(against(() => ({ constants }), 'System')).toEqual([
      'System.SS58Prefix: U32 here, U16 there',
      'System.SS58Prefix value: 0x0d000000 here, 0x2a00 there',
    ]);
  });

  it('finds other arguments of calls', () => {
    const own = variants('pallet_timestamp::pallet::Call', { set: call(1, { at: compact(u32) }) });
    const instead = new Map([[innerEnum(runtimeCall, 'Timestamp')!, own]]);
    const { differences } = compareMetadata(readMetadata(encodeMetadata(pallets, instead)), v15);
    expect(differences).toEqual([
      'Timestamp.set index: 1 here, 0 there',
      'Timestamp.set arguments: at here, now there',
      'Timestamp.set(at): U32 here, U64 there',
    ]);
  });

  it('finds other arguments and answers of runtime APIs', () => {
    const changed = { SwapRuntimeApi: runtimeApi(1, { current_alpha_price: method({ uid: u16 }, u32) }) };
    const { differences, missing } = compareMetadata(readMetadata(encodeMetadataV15(pallets, changed)), v15);
    expect(differences).toEqual([
      'SwapRuntimeApi.current_alpha_price arguments: uid here, netuid there',
      'SwapRuntimeApi.current_alpha_price output: U32 here, U64 there',
    ]);
    expect(missing.find(({ where }) => where === 'SwapRuntimeApi')?.names).toEqual([
      'current_alpha_price_all',
      'sim_swap_tao_for_alpha',
      'sim_swap_alpha_for_tao',
    ]);
  });
});

function versionOf({ latest }: Side) {
  const system = latest.pallets.find(({ name }) => name.toString() === 'System')!;
  const constant = system.constants.find(({ name }) => name.toString() === 'Version')!;
  return decode(runtimeVersionCodec, constant.value.toU8a(true));
}

function pageOf({ counts, missing }: Comparison, theirSpec: number): string {
  const wheres = [...new Set(counts.map(({ where }) => where))];
  const countOf = (where: string, kind: Kind): Count | undefined =>
    counts.find((count) => count.where === where && count.kind === kind);
  const isPallet = (where: string): boolean => countOf(where, 'calls') !== undefined;
  const cell = (count: Count | undefined): string =>
    !count || count.theirs === 0 ? '' : `${count.ours} of ${count.theirs}`;
  const isAbsent = (where: string): boolean =>
    counts.filter((count) => count.where === where).every(({ ours }) => ours === 0);
  const present = wheres.filter((where) => isPallet(where) && !isAbsent(where));
  const absent = wheres.filter((where) => isPallet(where) && isAbsent(where));
  const apis = wheres.filter((where) => countOf(where, 'methods') !== undefined);
  const extensions = countOf('signed extensions', 'extensions')!;
  const lists = missing.filter(({ where }) => !isAbsent(where));
  return `# What the localnet has of the main network

Written by \`tests/integration/localnet/main-network.test.ts\` (\`ASSAY_WRITE_DOCS=1\`, with \`ASSAY_TEST_METADATA\`), which walks the localnet's metadata
(V14 and V15, spec ${runtimeVersion.spec_version}) item by item against the main network's (spec ${theirSpec}): pallets and their indices; calls, events and errors by name and
index, with the names and types of their arguments; storage by modifier, hashers, keys, values and defaults; constants with their values; signed
extensions; runtime APIs by version, method, arguments and answer.

**What the localnet has, it has as the main network does.** One value differs: \`System.Version\`, which names another spec version, another implementation
and fewer runtime APIs. \`Timestamp.MinimumPeriod\` is the main network's at its block time of 12 s; a localnet of another tells half of its own.
No position differs between the two spec versions in what both have.

What metadata does not tell: the localnet charges no fees, and never refuses a call because its signer could not pay for it (\`Payment\`); what calls
themselves cost they cost here too. \`TokenSymbol\` stays the default of every subnet. The main network's durations hold with \`fastBlocks: false\`; otherwise
those of Subtensor's fast runtime, in blocks: pending children 15 instead of 7200, childkey take 5 of 216000, hotkey swap on a subnet 1 of 7200, count
and split of mechanisms 1 of 7200, trimming 1 of 216000; 32 epochs a block instead of 2; and, as nowhere else, no wait between registrations of networks.
Nothing else follows \`fastBlocks\`: the tempo of new subnets and the time between blocks are options of their own.

Types are compared by path, type parameters, field and variant names down to primitives. \`TaoBalance\`, \`AlphaBalance\`, \`NetUid\` and their like are plain
integers in the main network's metadata, so there is nothing to see through. Not compared: documentation, names of type aliases, parameters that stand
for no type (\`T: Config\`), and what only V16 has (view functions, associated types).

## Counts

| pallet | ${IN_PALLETS.join(' | ')} |
|---|${IN_PALLETS.map(() => '---|').join('')}
${present.map((where) => `| ${where} | ${IN_PALLETS.map((kind) => cell(countOf(where, kind))).join(' | ')} |`).join('\n')}

Not there at all: ${absent.join(', ')}.

| runtime API | methods |
|---|---|
${apis
  .filter((where) => !isAbsent(where))
  .map((where) => `| ${where} | ${cell(countOf(where, 'methods'))} |`)
  .join('\n')}

Not there at all: ${apis.filter(isAbsent).join(', ')}.

Signed extensions: ${extensions.ours} of ${extensions.theirs}; those that are missing have no payload and sign nothing.

## Missing

${[...new Set(lists.map(({ where }) => where))]
  .map((where) => {
    const own = lists.filter((list) => list.where === where);
    return `### ${where}\n\n${own.map(({ kind, names }) => `- ${kind}: ${names.map((name) => `\`${name}\``).join(', ')}`).join('\n')}`;
  })
  .join('\n\n')}
`;
}

/** `SubtensorModule calls swap_hotkey` and so on. */
function missingOnPage(page: string): string[] {
  return page
    .split(/^### /m)
    .slice(1)
    .flatMap((section) => {
      const where = section.slice(0, section.indexOf('\n'));
      return [...section.matchAll(/^- (\w+): (.+)$/gm)].flatMap(([, kind, names]) =>
        [...names!.matchAll(/`(\w+)`/g)].map(([, name]) => `${where} ${kind} ${name}`),
      );
    });
}
