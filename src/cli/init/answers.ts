// Owns: what a new project must be told: flags, or answers to questions, checked as the role will check them.
// Does not own: the terminal (prompt.ts), what is written (project.ts).
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { AssayError, isAssayError } from '../../model/errors.js';
import { nearest } from '../../model/near.js';
import { integerBetween, minerSchema, validatorSchema } from '../config.js';
import { flagOf } from '../config-keys.js';
import { invalid } from '../invalid-input.js';
import { mayBeSecret } from '../wallets.js';
import { wantedOf } from '../wanted-slots.js';

export const PROJECTS = ['miner', 'validator', 'subnet'] as const;
export type ProjectKind = (typeof PROJECTS)[number];

/** As a package, a folder and a service may be called. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

const text = z.string().min(1).max(4096).optional();
export const initFlags = z.strictObject({
  name: text,
  chain: text,
  netuid: integerBetween(1, 4095, 'the number of a subnet').optional(),
  hotkey: text,
  host: text,
  announceIp: text,
  slots: z.array(z.string().max(80)).max(64).optional(),
  assay: text,
  yes: z.boolean().default(false),
  json: z.boolean().default(false),
});
type Flags = z.infer<typeof initFlags>;

export interface Answers {
  readonly kind: ProjectKind;
  readonly name: string;
  /** keys of the role's configuration that were said; of a subnet none */
  readonly values: Readonly<Record<string, unknown>>;
}

/** Asks one question until the answer is one; undefined: nobody can be asked. */
export type Ask = ((question: string, preset: string | undefined) => Promise<string>) | undefined;

export interface Asking {
  readonly ask: Ask;
  /** why an answer will not do, before the question comes again */
  readonly say: (line: string) => void;
}

/**
 * @param what the first argument
 * @param folder the second
 * @throws AssayError `invalid-input` for what cannot be asked again; the signal's reason
 */
export async function answersOf(
  { what, folder }: { readonly what: string | undefined; readonly folder: string },
  flags: Flags,
  asking: Asking,
): Promise<Answers> {
  const kind = await answered(asking, {
    given: what,
    question: `what to begin (${PROJECTS.join(', ')})`,
    preset: 'subnet',
    needed: true,
    parse: toKind,
  });
  if (kind === undefined) throw invalid('what', `one of ${PROJECTS.join(', ')}`, 'nothing');
  assertFits(kind, flags);
  const name = await answered(asking, {
    given: flags.name,
    question: 'name of the project',
    preset: nameOf(folder),
    parse: toName,
  });
  return { kind, name: name!, values: kind === 'subnet' ? {} : await valuesOf(kind, flags, asking) };
}

/** Flags of another project would be lost without a word. */
function assertFits(kind: ProjectKind, flags: Flags): void {
  const none = kind === 'subnet' ? (['chain', 'netuid', 'hotkey'] as const) : [];
  const miners = kind === 'miner' ? [] : (['host', 'announceIp', 'slots'] as const);
  for (const key of [...none, ...miners])
    if (flags[key] !== undefined)
      throw invalid(
        flagOf(key),
        kind === 'subnet' ? 'none: config/ of a new subnet is for a localnet' : 'none: it is for miners',
        'one',
      );
}

async function valuesOf(
  role: 'miner' | 'validator',
  flags: Flags,
  asking: Asking,
): Promise<Readonly<Record<string, unknown>>> {
  const schema = role === 'miner' ? minerSchema : validatorSchema;
  const shape: Readonly<Record<string, z.ZodType>> = schema.shape;
  /** As the role will. */
  const checked =
    (key: string, from: (text: string) => unknown = (text) => text) =>
    (answer: string): unknown => {
      const parsed = shape[key]!.safeParse(from(answer));
      if (parsed.success) return parsed.data;
      const expected = parsed.error.issues[0]!.message;
      const what = flagOf(key);
      throw new AssayError('invalid-input', `${what}: ${expected}`, { what, expected, got: 'another' });
    };
  const chain = await answered(asking, {
    given: flags.chain,
    question: 'nodes of the chain, or finney, test',
    preset: 'ws://127.0.0.1:9944',
    parse: checked('chain'),
  });
  const netuid = await answered(asking, {
    given: flags.netuid === undefined ? undefined : String(flags.netuid),
    question: 'number of the subnet',
    preset: '1',
    parse: checked('netuid', Number),
  });
  const hotkey = await answered(asking, {
    given: flags.hotkey,
    question: 'hotkey file (or for a localnet a URI such as //Alice)',
    needed: true,
    parse: toHotkeyPlace,
  });
  if (hotkey === undefined)
    throw invalid('--hotkey', 'a hotkey file, or for localnets a URI such as //Alice', 'nothing');
  const common = { chain, netuid, hotkey, data: 'data' };
  if (role === 'validator') return common;
  const host = await answered(asking, {
    given: flags.host,
    question: 'address to bind; 127.0.0.1 is reached from this host alone',
    preset: '127.0.0.1',
    parse: checked('host'),
  });
  const slots = await answered(asking, {
    given: flags.slots?.join(' '),
    question: 'slots (assay miner doctor says what this host would be credited)',
    preset: 'compute:cpu-2048',
    parse: (answer) => {
      const slots = answer.split(/[\s,]+/);
      assertSlots(slots);
      return checked('slots', () => slots)(answer);
    },
  });
  const announceIp = flags.announceIp === undefined ? undefined : checked('announceIp')(flags.announceIp);
  return { ...common, host, slots, ...(announceIp === undefined ? {} : { announceIp }) };
}

/** Said here as a mistake of an answer, which is asked about again. */
function assertSlots(slots: readonly string[]): void {
  try {
    wantedOf({ slots, class: '' });
  } catch (error) {
    if (!isAssayError(error, 'invalid-config')) throw error;
    const [expected = error.message] = error.data.problems;
    throw new AssayError('invalid-input', `--slots: ${expected}`, {
      what: '--slots',
      expected,
      got: 'another',
    });
  }
}

interface Question<T> {
  /** by a flag: a mistake there is not asked about again */
  readonly given: string | undefined;
  readonly question: string;
  /** what holds where nothing is said */
  readonly preset?: string | undefined;
  /** where nobody can be asked, undefined rather than the preset */
  readonly needed?: boolean;
  readonly parse: (answer: string) => T;
}

async function answered<T>({ ask, say }: Asking, of: Question<T>): Promise<T | undefined> {
  const { given, question, preset, needed = false, parse } = of;
  if (given !== undefined) return parse(given);
  if (!ask) return needed || preset === undefined ? undefined : parse(preset);
  for (;;) {
    const answer = (await ask(question, preset)).trim() || preset;
    try {
      if (answer !== undefined) return parse(answer);
    } catch (error) {
      if (!isAssayError(error, 'invalid-input')) throw error;
      say(error.message);
    }
  }
}

function toKind(text: string): ProjectKind {
  const kind = PROJECTS.find((each) => each === text);
  if (kind !== undefined) return kind;
  const near = nearest(text, PROJECTS);
  throw invalid(
    'what',
    `one of ${PROJECTS.join(', ')}`,
    near === undefined ? 'another word' : `another word; did you mean ${near}?`,
  );
}

function toName(text: string): string {
  if (NAME.test(text)) return text;
  throw invalid(
    '--name',
    'lower-case letters, digits, dots, dashes; at most 64, a letter or digit first',
    'another',
  );
}

/** As near to the folder's as a name may be. */
export function nameOf(folder: string): string {
  const made = basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64);
  return NAME.test(made) ? made : 'my-project';
}

/**
 * A secret said on the command line stays in the shell's history: it must not get into a file beside it. A path is made absolute:
 * the role runs in another folder.
 */
function toHotkeyPlace(text: string): string {
  if (mayBeSecret(text) && !text.startsWith('//'))
    throw invalid(
      '--hotkey',
      'a file, or a development URI (a secret belongs into a file)',
      'what may be a secret',
    );
  if (text.startsWith('//')) return text;
  return text.startsWith('~/') ? join(homedir(), text.slice(2)) : resolve(text);
}
