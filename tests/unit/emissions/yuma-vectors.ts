// Reads tests/vectors/yuma-cases.json.
import { readFileSync } from 'node:fs';

interface UnitRows {
  readonly function: string;
  readonly cases: readonly Record<string, unknown>[];
}

interface SetWeights {
  readonly op: 'set_weights';
  readonly uids: readonly number[];
  readonly values: readonly number[];
  readonly stored: readonly (readonly number[])[];
}

/** What the tests ask of a case beyond what src/emissions/cases reads. */
export interface YumaCase {
  readonly id: string;
  readonly hyperparameters: { readonly yuma3: boolean; readonly liquid_alpha: boolean };
  readonly steps: readonly {
    readonly actions: readonly (SetWeights | { readonly op: 'advance_to_block' | 'set_stake' })[];
    readonly computed: Record<string, unknown>;
  }[];
}

export const yumaVectors = JSON.parse(
  readFileSync(new URL('../../vectors/yuma-cases.json', import.meta.url), 'utf8'),
) as { readonly cases: readonly YumaCase[]; readonly unit_cases: readonly UnitRows[] };

/** Rows of upstream's math.rs tables; the caller knows the shape of each function's rows. */
export function unitRows<Row>(name: string): readonly Row[] {
  const rows = yumaVectors.unit_cases.find((unit) => unit.function.startsWith(name));
  if (rows === undefined) throw new Error(`no unit rows for ${name}`);
  return rows.cases as readonly Row[];
}
