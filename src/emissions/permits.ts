// Owns: who may validate, by stake. Does not own: the owner's exemption (epoch.ts).

/** `is_topk`: the k largest; among equals at the border the higher index wins. All, when there are fewer than k. */
export function isTopK(values: readonly bigint[], k: number): boolean[] {
  return clearBelowTop(
    values,
    k,
    values.map(() => true),
  );
}

/** `is_topk_nonzero`: the same, but never one without stake. */
export function isTopKNonzero(values: readonly bigint[], k: number): boolean[] {
  return clearBelowTop(
    values,
    k,
    values.map((value) => value !== 0n),
  );
}

function clearBelowTop(values: readonly bigint[], k: number, result: boolean[]): boolean[] {
  if (values.length < k) return result;
  const ascending = values.map((_, index) => index);
  // stable, as Rust's sort_by_key: equal stakes stay in uid order, so the lower uid is cleared first
  ascending.sort((a, b) => (values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : 0));
  for (const index of ascending.slice(0, values.length - k)) result[index] = false;
  return result;
}
