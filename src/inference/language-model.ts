// Owns: what miners and validators ask of a language model. Does not own: how tokens are chosen (spec/), which engine runs it.
import type { Profile } from './spec/profile.js';

/** A decoder with its weights. Every implementation of one profile gives the logits of the others within the profile's tolerance. */
export interface LanguageModel {
  readonly profile: Profile;
  readonly vocabulary: number;
  /** prompt and completion together */
  readonly maxPositions: number;
  /**
   * Prefills the prompts, equal ones once, and waits for tokens: one row a prompt, all rows advance together.
   * @throws RangeError for no prompts, empty ones, ids outside the vocabulary
   */
  open(prompts: readonly Uint32Array[], candidates: number, signal: AbortSignal): Promise<Decoding>;
  /**
   * One forward over whole sequences, right-padded inside; nothing of [tokens, vocabulary] is made.
   * @throws RangeError for no sequences, empty or too long ones, ids outside the vocabulary
   */
  prefill(sequences: readonly Uint32Array[], signal: AbortSignal): Promise<Hidden>;
  close(): Promise<void>;
}

export interface Decoding {
  /** candidates for the next token of each row, in the order in which rows were opened or kept */
  candidates(): Candidates;
  /**
   * Appends a token to each row that goes on; a row given `undefined` has ended and leaves the batch: rows after it move up. Prompts
   * that join come last, in the places of those that have left; one that is a row's already, be it one that leaves now, is not
   * prefilled again.
   * @param joining none by default
   * @throws RangeError when the count differs from the rows, a row is full, there would be more rows than were opened, or a prompt is
   * none
   */
  advance(
    tokens: readonly (number | undefined)[],
    signal: AbortSignal,
    joining?: readonly Uint32Array[],
  ): Promise<void>;
  release(): void;
}

/** The highest logits of each row, highest first, equal ones by lowest id. */
export interface Candidates {
  readonly rows: number;
  /** a row: as asked, or the vocabulary if that is less */
  readonly perRow: number;
  /** rows x perRow */
  readonly ids: Int32Array;
  /** rows x perRow, float32, before temperature; NaN and infinities are the model's fault, and refused by race.ts */
  readonly logits: Float32Array;
}

/** A place that predicts: position p of sequence s is where token p + 1 was chosen. */
export interface Position {
  readonly sequence: number;
  readonly position: number;
}

/** The last layer over whole sequences; stays where the model keeps it until it is released. */
export interface Hidden {
  head(at: readonly Position[], candidates: number, signal: AbortSignal): Promise<Candidates>;
  /**
   * Logits of given ids alone: two rows of the output matrix a position instead of all.
   * @param ids at.length x perPosition
   * @returns at.length x perPosition, float32
   */
  logitsOf(at: readonly Position[], ids: Int32Array, signal: AbortSignal): Promise<Float32Array>;
  release(): void;
}
