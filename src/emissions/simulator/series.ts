// Owns: a table of numbers over epochs that stays small however long a run is. Does not own: what the columns mean.

/** How two neighbouring points become one: flows add up, levels keep the later. */
export type SeriesKind = 'flow' | 'level';

export interface Series {
  readonly columns: readonly { readonly name: string; readonly kind: SeriesKind; readonly unit: string }[];
  /** last epoch of each point */
  readonly epochs: readonly number[];
  /** epochs that a point stands for; the last may stand for fewer */
  readonly epochsPerPoint: number;
  /** by point, then by column */
  readonly points: readonly (readonly number[])[];
}

export interface SeriesRecorder {
  add(epoch: number, values: readonly number[]): void;
  finish(): Series;
}

/**
 * Keeps at most `limit` points: when it is full each two become one, and from then on points stand for twice as many epochs.
 *
 * @throws RangeError for a limit that is odd or below 2
 */
export function createSeriesRecorder(columns: Series['columns'], limit = 512): SeriesRecorder {
  if (!Number.isInteger(limit) || limit < 2 || limit % 2 !== 0)
    throw new RangeError(`points: expected an even number of at least 2, got ${limit}`);
  let points: number[][] = [];
  let epochs: number[] = [];
  let epochsPerPoint = 1;
  let open: number[] | undefined;
  let openEpochs = 0;
  let openEnd = 0;

  const merge = (earlier: readonly number[], later: readonly number[]): number[] =>
    columns.map(({ kind }, i) => (kind === 'flow' ? earlier[i]! + later[i]! : later[i]!));

  const close = (): void => {
    if (open === undefined) return;
    points.push(open);
    epochs.push(openEnd);
    open = undefined;
    openEpochs = 0;
    if (points.length < limit) return;
    points = points.flatMap((point, i) => (i % 2 === 0 ? [merge(point, points[i + 1]!)] : []));
    epochs = epochs.filter((_, i) => i % 2 === 1);
    epochsPerPoint *= 2;
  };

  return {
    add(epoch, values) {
      open = open === undefined ? [...values] : merge(open, values);
      openEpochs++;
      openEnd = epoch;
      if (openEpochs === epochsPerPoint) close();
    },
    finish() {
      const rest = open === undefined ? [] : [open];
      return {
        columns,
        epochs: open === undefined ? epochs : [...epochs, openEnd],
        epochsPerPoint,
        points: [...points, ...rest],
      };
    },
  };
}
