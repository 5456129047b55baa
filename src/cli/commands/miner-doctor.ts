// Owns: `assay miner doctor`: this host, its subnet, the proofs on it, what they would be credited and earn; and what to do where
// something fails. Does not own: sessions with validators, any of the looks (doctor/).
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { z } from 'zod';
import { isAssayError } from '../../model/errors.js';
import type { Hotkey } from '../../model/ids.js';
import { CARDS, type CatalogueCard } from '../../verification/cards.js';
import { dataPaths, systemParts } from '../assemble.js';
import { backendLines } from '../backend-lines.js';
import { integerBetween, loadFlags } from '../config.js';
import { type Check, failed } from '../doctor/check.js';
import { SUBJECTS } from '../doctor/classes.js';
import { examine } from '../doctor/examine.js';
import { computes, type Finding, type Host, ON_A_DEVICE } from '../doctor/finding.js';
import { type OpenedHost, openHost } from '../doctor/host.js';
import type { Inventory } from '../doctor/inventory.js';
import type { SubnetLook } from '../doctor/look-at-subnet.js';
import { show, showChecks, showEarnings } from '../doctor/report.js';
import { systemQuestions } from '../host-facts.js';
import { invalid } from '../invalid-input.js';
import { networkFlags } from '../networks.js';
import { EXIT, print, printJson } from '../output.js';
import { sayWhile } from '../progress.js';
import { type LastSight, noteSight, sightLines } from '../sights.js';
import { type Known, moduleFlag } from '../subnet-module.js';
import { minedNetuidFlag } from './chain/flags.js';

const path = z.string().min(1).max(4096);
const text = z.string().min(1).max(4096).optional();
const schema = z.strictObject({
  /** parts; all that can be, where none is named */
  host: z.boolean().default(false),
  subnet: z.boolean().default(false),
  proofs: z.boolean().default(false),
  kind: z.array(z.string().max(32)).min(1).max(16).optional(),
  class: z.string().max(64).optional(),
  small: z.boolean().default(false),
  plots: z.array(path).min(1).max(64).optional(),
  threads: integerBetween(1, 256, 'threads').optional(),
  device: z.string().min(1).max(32).optional(),
  catalogue: path.optional(),
  /** of the miner: what validators told it, what it says of itself */
  data: path.optional(),
  ...networkFlags,
  ...moduleFlag,
  netuid: minedNetuidFlag.optional(),
  hotkey: text,
  wallet: text,
  walletPath: text,
  policy: path.optional(),
  cards: integerBetween(1, 1024, 'cards').default(1),
  othersWorth: z.array(z.string().max(64)).min(1).max(32).optional(),
  from: z.string().min(1).max(300).optional(),
  ports: z
    .array(integerBetween(1, 65_535, 'a port'))
    .min(1)
    .max(8)
    .optional(),
});

type Options = z.infer<typeof schema>;

/**
 * Looks at this very host, at its subnet where one is named, and proves what there is to prove.
 * @returns 0 where nothing failed, what is not for this host left out; else 1
 * @throws AssayError `invalid-config`, `invalid-input` for flags
 */
export async function doctor(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  const began = performance.now();
  const parts = partsOf(options);
  const { openKnown } = await import('../subnet-module.js');
  const known = await openKnown(options.module);
  const { kinds } = known;
  const names = wanted(options, kinds);
  const catalogue = await catalogueOf(options.catalogue, kinds);
  const othersWorth = options.othersWorth && worthsOf(options.othersWorth);
  if (options.from !== undefined) (await import('../doctor/reach.js')).addressIn(options.from);
  const checks: Check[] = [];
  const tell = (found: readonly Check[]): void => {
    checks.push(...found);
    if (options.json) for (const check of found) printJson({ section: 'check' as const, ...check });
    else showChecks(found);
  };

  const inventory = parts.host || parts.subnet ? await lookAround(options) : undefined;
  if (inventory && parts.host) {
    if (options.json) printJson({ section: 'host' as const, ...inventory });
    const { hostChecks } = await import('../doctor/host-checks.js');
    tell(hostChecks(inventory, { catalogue, cudaAbsent: await cudaAbsentOf(inventory) }));
  }
  signal.throwIfAborted();
  const look =
    parts.subnet && inventory ? await lookOut({ options, inventory, known }, tell, signal) : undefined;
  if (parts.subnet && signal.aborted) return EXIT.interrupted;
  if (options.from !== undefined) tell(await lookFrom(options, look, signal));

  const findings: Finding[] = parts.proofs ? await prove({ options, kinds, names, catalogue }, signal) : [];
  if (options.data !== undefined) await showSights(options.data, options.json);
  if (look) {
    const { foresee } = await import('../doctor/foresee.js');
    const hotkey = await hotkeyOf(options, signal);
    const { check, earnings } = foresee(look, {
      known,
      findings,
      hotkey,
      given: othersWorth,
      cards: options.cards,
    });
    if (check) tell([check]);
    if (earnings && options.json) printJson({ section: 'earnings' as const, ...earnings });
    else if (earnings) showEarnings(earnings);
  }
  const count = (state: Check['state']) => checks.filter((check) => check.state === state).length;
  const failures = count('failed') + findings.filter(({ state }) => state === 'failed').length;
  if (options.json)
    printJson({
      section: 'summary' as const,
      ok: failures === 0,
      failed: failures,
      warnings: count('warning'),
      unknown: count('unknown'),
      proven: findings.filter(({ state }) => state === 'proven').length,
      tookMs: Math.round(performance.now() - began),
    });
  else if (checks.length > 0)
    print(`${failures} failed, ${count('warning')} warnings, ${count('unknown')} not known`);
  return failures > 0 ? EXIT.failed : EXIT.ok;
}

type Kinds = Known['kinds'];

function partsOf({ host, subnet, proofs, netuid, kind, small, from, ports }: Options) {
  if (subnet && netuid === undefined) throw invalid('--subnet', 'the number of one: --netuid', 'none');
  if (ports && from === undefined) throw invalid('--ports', '--from, a vantage that tries them', 'none');
  if (from !== undefined && !ports && netuid === undefined)
    throw invalid('--from', '--ports, or --netuid and --hotkey, whose axon names one', 'neither');
  if (host || subnet || proofs) return { host, subnet, proofs };
  // who asks for one kind has seen the rest; who named a subnet has not
  const onlyProofs = (kind !== undefined || small) && netuid === undefined && from === undefined;
  return { host: !onlyProofs, subnet: netuid !== undefined, proofs: true };
}

function lookAround({ data }: Options): Promise<Inventory> {
  return sayWhile('looking at this host', async () => {
    const { listed, takeInventory } = await import('../doctor/inventory.js');
    const questions = { ...systemQuestions, list: listed, interfaces: networkInterfaces };
    return takeInventory(questions, { folder: data ?? '.', at: systemParts.clock.now() });
  });
}

/** Only where nvidia-smi sees cards is it worth a word that we do not. */
async function cudaAbsentOf({ cards }: Inventory): Promise<string | undefined> {
  if (cards.state !== 'read') return undefined;
  const { findDevices } = await import('../../compute/find-devices.js');
  return (await findDevices()).absent.find(({ backend }) => backend === 'cuda')?.why;
}

/** The subnet, and what of this host hangs on it: its clock, its ports. */
async function lookOut(
  of: { readonly options: Options; readonly inventory: Inventory; readonly known: Known },
  tell: (found: readonly Check[]) => void,
  signal: AbortSignal,
): Promise<SubnetLook | undefined> {
  const { options, inventory, known } = of;
  const { netuid, network, genesis, policy, data } = options;
  const [
    { lookAtSubnet, runningMiner },
    { subnetChecks },
    { clockCheck },
    { axonPortCheck, takesConnection },
  ] = await Promise.all([
    import('../doctor/look-at-subnet.js'),
    import('../doctor/subnet-checks.js'),
    import('../doctor/clock.js'),
    import('../doctor/ports.js'),
  ]);
  const [hotkey, running] = await Promise.all([hotkeyOf(options, signal), runningMiner(data)]);
  const at = { network, genesis, netuid: netuid!, hotkey, policy, data, known }; // `partsOf` has seen that there is one
  const look = await lookAtSubnet(at, signal);
  if (!look) return undefined;
  tell([...subnetChecks({ ...look, hotkey, running }), clockCheck(look.skew, look.info), look.policy.check]);
  const axon = look.subnet.neurons.find((each) => each.hotkey === hotkey)?.axon;
  if (axon) tell([axonPortCheck(axon, inventory, await takesConnection(axon.ip, axon.port, signal))]);
  return look;
}

/** What a vantage sees of this host. */
async function lookFrom(
  options: Options,
  look: SubnetLook | undefined,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { askVantage, reachChecks } = await import('../doctor/reach.js');
  const from = options.from!; // only then it is asked
  const hotkey = await hotkeyOf(options, signal);
  const axon = look?.subnet.neurons.find((each) => each.hotkey === hotkey)?.axon;
  const ports = options.ports ?? (axon ? [axon.port] : []);
  if (ports.length === 0) throw invalid('--from', '--ports: the chain names no axon of this hotkey', 'none');
  try {
    const seen = await sayWhile(`asking ${from}`, () =>
      askVantage({ from, ports: [...new Set(ports)], now: () => systemParts.clock.now() }, signal),
    );
    return reachChecks(seen, { from, axon });
  } catch (error) {
    // the rest is worth knowing all the same
    if (!isAssayError(error, 'unreachable')) throw error;
    const fix = 'let assay miner vantage run there, at an address and port that this host may call';
    return [failed('vantage', error.message, fix)];
  }
}

/** Undefined where none was named. */
async function hotkeyOf(
  { hotkey, wallet, walletPath }: Options,
  signal: AbortSignal,
): Promise<Hotkey | undefined> {
  if (hotkey === undefined && wallet === undefined) return undefined;
  const { hotkeyAddress } = await import('../signers.js');
  return hotkeyAddress({ hotkey, wallet, walletPath }, signal);
}

async function prove(
  {
    options,
    kinds,
    names,
    catalogue,
  }: {
    readonly options: Options;
    readonly kinds: Kinds;
    readonly names: readonly string[];
    readonly catalogue: readonly CatalogueCard[];
  },
  signal: AbortSignal,
): Promise<Finding[]> {
  const began = performance.now();
  const findings: Finding[] = [];
  const opened = await openHost(options, names, signal);
  try {
    for (const name of names) {
      signal.throwIfAborted();
      const host: Host = { ...opened, catalogue, findings };
      findings.push(await examine(kinds[name]!, host, options, signal)); // `wanted` has looked
      if (options.json) printJson({ section: 'proof' as const, ...findings.at(-1) });
    }
  } finally {
    await opened.close();
  }
  const notes = notesOf(opened, findings);
  if (!options.json) show(findings, { ...opened, notes }, options, performance.now() - began);
  else if (notes)
    printJson({
      section: 'device' as const,
      id: opened.card?.id ?? 'cpu',
      name: opened.devices.compute.name,
      notes,
    });
  return findings;
}

/** Whether others reach the link port is nothing that this host could find out by itself: what validators signed says it. */
async function showSights(data: string, asJson: boolean): Promise<void> {
  const { readReceipts } = await import('../../miner/receipts.js');
  const path = dataPaths.receipts(data);
  const last = new Map<string, LastSight>();
  // a miner that was never challenged has no such file
  if (existsSync(path)) for await (const row of readReceipts(path)) noteSight(last, row);
  if (asJson) for (const sight of last.values()) printJson({ section: 'sight' as const, ...sight });
  else if (last.size === 0) print('no validator has looked for the link port of this miner yet');
  else for (const line of sightLines(last)) print(line);
}

/** An operator's own entries before those of this build. */
async function catalogueOf(file: string | undefined, kinds: Kinds): Promise<readonly CatalogueCard[]> {
  if (file === undefined) return CARDS;
  const [{ readInputBytes }, { CATALOGUE_BYTES, readCatalogue }] = await Promise.all([
    import('../input-text.js'),
    import('../../verification/catalogue.js'),
  ]);
  const { compute } = kinds;
  const classes = [...compute!.table.values()].map((set) => compute!.facts(set).className); // every build has it
  return [...readCatalogue(await readInputBytes(file, { maxBytes: CATALOGUE_BYTES }), classes), ...CARDS];
}

/** `12.5`, or `pool=12.5`, once for each pool. */
function worthsOf(given: readonly string[]): ReadonlyMap<string, number> {
  const worths = new Map<string, number>();
  for (const each of given) {
    const [, pool = '', worth] = /^(?:([a-z][a-z0-9-]{0,31})=)?(\d{1,9}(?:\.\d{1,9})?)$/.exec(each) ?? [];
    if (worth === undefined) throw invalid('--others-worth', 'a number, or pool=number', each);
    if (worths.has(pool)) throw invalid('--others-worth', 'each pool once', each);
    worths.set(pool, Number(worth));
  }
  return worths;
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
