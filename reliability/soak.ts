// Owns: what a soak is, and its settings. Does not own: what any of them does (its folder), running one (run-soak.ts).

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
