// Owns: running a soak: its folder, Ctrl-C, where its findings go, the code that it ends with. Does not own: what any of them does (its
// folder), how its findings are written (section.ts).
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, platform, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/model/clock.js';
import { emptyPage, renderSection, replaceSection } from './section.js';
import { type Circumstances, type Soak, settingsOf } from './soak.js';

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
