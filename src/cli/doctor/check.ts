// Owns: the form of what the doctor finds beside proofs: one line with a state, and what to do. Does not own: what is looked at.

/** `warning`: it works, and costs something; `unknown`: it could not be looked at, which is no failure. */
export type CheckState = 'ok' | 'warning' | 'failed' | 'unknown';

export interface Check {
  /** e.g. `clock`, `card 0` */
  readonly about: string;
  readonly state: CheckState;
  readonly said: string;
  /** there for everything that is not ok, as far as anything can be done */
  readonly fix?: string;
}

export const ok = (about: string, said: string): Check => ({ about, state: 'ok', said });
export const warning = (about: string, said: string, fix: string): Check => ({
  about,
  state: 'warning',
  said,
  fix,
});
export const failed = (about: string, said: string, fix: string): Check => ({
  about,
  state: 'failed',
  said,
  fix,
});
export const unknown = (about: string, said: string, fix?: string): Check => ({
  about,
  state: 'unknown',
  said,
  ...(fix === undefined ? {} : { fix }),
});
