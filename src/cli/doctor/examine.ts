// Owns: proving one kind on this host, and what to do where it fails. Does not own: the rehearsal (verification/rehearse.ts).
import { DEFAULT_RESERVE } from '../../miner/slot.js';
import type { Credit } from '../../model/credit.js';
import { isAssayError } from '../../model/errors.js';
import { systemRandom } from '../../model/prng.js';
import { verdictToString } from '../../model/verdict.js';
import type { ParamsFacts, Phase, ProofKind } from '../../verification/proof.js';
import { type RehearsedStep, rehearse } from '../../verification/rehearse.js';
import { invalid } from '../invalid-input.js';
import { sayWhile } from '../progress.js';
import { MAKE_A_PLOT, OVER_LOOPBACK, SUBJECTS } from './classes.js';
import { type Asked, type Choice, computes, type Finding, type Host } from './finding.js';

const LOST =
  'look at the log of its driver (dmesg; Xid lines of NVIDIA) and prove it again: a slot loses what it was doing, and comes back';

export async function examine(
  kind: ProofKind<unknown, unknown>,
  host: Host,
  options: Asked,
  signal: AbortSignal,
): Promise<Finding> {
  const { meets } = host;
  const choice = await choose(kind, host, options, signal);
  const nothing = {
    paramsId: undefined,
    simulated: false,
    note: undefined,
    credit: {},
    nominal: {},
    share: 0,
    tookMs: 0,
    steps: [],
    openingBytes: 0,
    prepareMs: 0,
    openMs: 0,
    verifyMs: 0,
  };
  if ('why' in choice) {
    const { why, fix } = choice;
    return { kind: kind.kind, class: undefined, state: 'skipped', said: why, fix, ...nothing };
  }
  const set = [...kind.table].find(([, each]) => kind.facts(each).className === choice.class);
  if (set === undefined) {
    const classes = [...kind.table.values()].map((each) => kind.facts(each).className);
    throw invalid('--class', `one of ${classes.join(', ')}`, choice.class);
  }
  const [paramsId, params] = set;
  const facts = kind.facts(params);
  const about = { kind: kind.kind, class: choice.class, paramsId, simulated: facts.localnetOnly };
  const began = performance.now();
  try {
    const run = () =>
      rehearse(
        {
          kind,
          devices: host.devices,
          random: systemRandom,
          now: () => performance.now(),
          reserve: DEFAULT_RESERVE,
          ...(host.plot ? { place: host.plot.name.place } : {}),
          ...(meets ? { meets } : {}),
        },
        params,
        signal,
      );
    const saying = `${kind.kind}, class ${choice.class}: up to ${Math.ceil(lastsMs(facts) / 1000)} s, and the opening`;
    const { verdict, credit, share, steps, evidence, prepareMs, openMs, verifyMs } = await sayWhile(
      saying,
      run,
    );
    const proven = verdict.kind === 'accepted';
    const late = steps.find(({ tookMs, withinMs }) => tookMs > withinMs);
    const tooSlow = late !== undefined && SUBJECTS[kind.kind]?.isForCards && options.kind === undefined;
    return {
      ...about,
      state: proven ? 'proven' : tooSlow ? 'skipped' : 'failed',
      said: tooSlow
        ? `${Math.round(late.tookMs)} ms of ${late.withinMs}: it is for cards, and earns nothing`
        : verdictToString(verdict),
      fix: proven
        ? lowFix(share, facts.nominal)
        : tooSlow
          ? undefined
          : late
            ? lateFix(late)
            : 'the proof is wrong on this host: check memory and clocking',
      note: choice.note ?? (kind.round ? OVER_LOOPBACK : undefined),
      credit,
      nominal: facts.nominal,
      share,
      tookMs: performance.now() - began,
      steps,
      openingBytes: evidence.opening.length,
      prepareMs,
      openMs,
      verifyMs,
    };
  } catch (error) {
    const isLost = isAssayError(error, 'unreachable') && computes([kind.kind]);
    if (signal.aborted || !(isLost || isAssayError(error, 'unsupported'))) throw error;
    const { message: said } = error;
    if (isLost) return { ...nothing, ...about, state: 'failed', said, fix: LOST };
    return {
      ...nothing,
      ...about,
      state: 'failed',
      said,
      fix: kind.kind === 'storage' ? MAKE_A_PLOT : 'name another --class, or make room for this one',
    };
  }
}

/** Steps from Go, then those from the Pass, each no longer than it may be. */
function lastsMs({ phases }: Pick<ParamsFacts, 'phases'>): number {
  const longest = (of: Phase['from']) =>
    Math.max(0, ...phases.map(({ from, withinMs }) => (from === of ? withinMs : 0)));
  return longest('go') + longest('pass');
}

async function choose(
  kind: ProofKind<unknown, unknown>,
  host: Host,
  { class: named, small }: Asked,
  signal: AbortSignal,
): Promise<Choice> {
  const subject = SUBJECTS[kind.kind];
  if (named !== undefined) return { class: named };
  if (!subject) return ownClass(kind, host);
  return small ? { class: subject.small } : subject.full(host, signal);
}

/** Of a subnet's own kind: its first, as nobody says which is for what. */
function ownClass({ facts, round, table }: ProofKind<unknown, unknown>, { meets }: Host): Choice {
  const [params] = table.values();
  if (params === undefined)
    return { why: 'it has no class of its own', fix: "name one of the subnet's parameter file with --class" };
  if (round && !meets) return { why: 'its slots work with others, whom only a subnet has' };
  return { class: facts(params).className };
}

/** Of a share that nobody with the right class has; nothing of kinds that earn nothing. */
const LOW_SHARE = 0.5;

export function lowFix(share: number, nominal: Credit): string | undefined {
  if (share >= LOW_SHARE || Object.keys(nominal).length === 0) return undefined;
  const fix = 'end what else runs here and look again, or take a smaller --class if there is one';
  return share === 0
    ? `proven, and worth nothing: it was so slow that others could have done it in its place; ${fix}`
    : `less than half of what counts one: ${fix}`;
}

const lateFix = ({ from, tookMs, withinMs }: RehearsedStep): string =>
  `${Math.round(tookMs)} ms from ${from === 'go' ? 'Go' : 'Pass'}, ${withinMs} ms there are: end what else runs here, or take a smaller --class`;
