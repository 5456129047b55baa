// Owns: what a soak is, running one, its settings, the code that it ends with. Does not own: what any of them does (its folder), how its
// findings are written (section.ts).
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, platform, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/model/clock.js';
import { emptyPage, renderSection, replaceSection } from './section.js';

/** What must hold, and what was seen of it. */
export interface Claim {
  readonly what: string;
  readonly holds: boolean;
  readonly found: string;
  /** hangs on how busy the machine is, too: a test on a machine that is shared leaves it out. @default false */
  readonly timing?: boolean;
}

export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

export interface Findings {
  readonly claims: readonly Claim[];
  readonly figures: readonly Figure[];
  /** what a reader must know to take the figures for what they are */
  readonly notes?: readonly string[];
}

/** A number that can be set, and what it means. */
export interface Setting {
  readonly is: number;
  readonly what: string;
}

export interface SoakInput<S extends string = string> {
  readonly seed: string;
  readonly minutes: number;
  readonly settings: Readonly<Record<S, number>>;
  /** what its processes are started from: a file, with flags of Node before it */
  readonly program: readonly string[];
  /** its own, gone afterwards unless a claim failed */
  readonly dir: string;
  say(line: string): void;
}

export interface Soak<S extends string = string> {
  readonly title: string;
  /** what is done and what must come of it: the first lines of its section */
  readonly about: string;
  /** how long it takes unless told otherwise */
  readonly minutes: number;
  readonly settings: Readonly<Record<S, Setting>>;
  /** Rejects when it could not be run; leaves no process, socket or file behind either way. */
  run(input: SoakInput<S>, signal: AbortSignal): Promise<Findings>;
}

export const defineSoak = <S extends string>(soak: Soak<S>): Soak<S> => soak;

/** Who ran what, when and where. */
export interface Circumstances {
  readonly name: string;
  readonly seed: string;
  readonly commit: string;
  readonly date: string;
  readonly seconds: number;
  readonly machine: string;
  readonly settings: Readonly<Record<string, number>>;
}

interface RunInput {
  readonly name: string;
  readonly seed: string;
  readonly minutes: number | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly dist: string;
  /** where the section goes; undefined keeps it off */
  readonly page: string | undefined;
  readonly json: boolean;
  readonly commit: string;
}

const EXIT = { ok: 0, broken: 1, usage: 2, interrupted: 130 } as const;

/** @returns the code to exit with */
export async function runSoak(soak: Soak, input: RunInput): Promise<number> {
  const settings = settingsOf(soak, input.settings);
  if (typeof settings === 'string') {
    process.stderr.write(`${settings}\n`);
    return EXIT.usage;
  }
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort());
  const began = systemClock.monotonic();
  const seconds = () => (systemClock.monotonic() - began) / 1000;
  const say = (line: string) => process.stderr.write(`${seconds().toFixed(1).padStart(7)} s  ${line}\n`);
  const dir = await mkdtemp(join(tmpdir(), `assay-${input.name}-`));
  let keep = false;
  try {
    const { seed } = input;
    const program = [join(input.dist, 'cli/main.js')];
    const minutes = input.minutes ?? soak.minutes;
    say(`${soak.title}: seed ${seed}, ${minutes} minutes`);
    const findings = await soak.run({ seed, minutes, settings, program, dir, say }, stop.signal);
    if (stop.signal.aborted) return EXIT.interrupted;
    keep = findings.claims.some(({ holds }) => !holds);
    const circumstances: Circumstances = {
      name: input.name,
      seed,
      commit: input.commit,
      date: new Date(systemClock.now()).toISOString().slice(0, 10),
      seconds: Math.round(seconds()),
      machine: machine(),
      settings,
    };
    const section = renderSection(soak, circumstances, findings);
    if (input.json) process.stdout.write(`${JSON.stringify({ ...circumstances, ...findings })}\n`);
    else process.stdout.write(`${section}\n`);
    if (input.page !== undefined) await write(input.page, input.name, section);
    return keep ? EXIT.broken : EXIT.ok;
  } catch (error) {
    if (stop.signal.aborted) return EXIT.interrupted;
    keep = true;
    throw error;
  } finally {
    if (keep) say(`what it left is in ${dir}`);
    else await rm(dir, { recursive: true, force: true });
  }
}

/** @returns what to tell whoever set something that there is not */
export function settingsOf(
  soak: Pick<Soak, 'settings'>,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, number>> | string {
  const settings = Object.fromEntries(Object.entries(soak.settings).map(([key, { is }]) => [key, is]));
  for (const [key, text] of Object.entries(given)) {
    const value = Number(text);
    if (Object.hasOwn(settings, key) && text?.trim() && Number.isFinite(value) && value >= 0)
      settings[key] = value;
    else {
      const known = Object.entries(soak.settings).map(([name, { is, what }]) => `  ${name}=${is}  ${what}`);
      return [`--set ${key}=${text}: expected a number of one of these`, ...known].join('\n');
    }
  }
  return settings;
}

async function write(page: string, name: string, section: string): Promise<void> {
  const before = await readFile(page, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return emptyPage();
    throw error;
  });
  await writeFile(page, replaceSection(before, name, section));
}

/** What figures hang on, without the machine's name. */
function machine(): string {
  const [cpu] = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} × ${cpu?.model.trim() || 'CPU'}, ${gib} GiB, ${platform()} ${arch()}, Node ${process.versions.node}`;
}
