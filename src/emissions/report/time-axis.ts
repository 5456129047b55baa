// Owns: when the points of a series are, in days, and a series with fewer points. Does not own: what is measured.
import type { Scenario } from '../simulator/scenario.js';
import type { Series } from '../simulator/series.js';

const BLOCKS_PER_DAY = 7200;

export interface TimeAxis {
  /** last epoch of each point */
  readonly epochs: readonly number[];
  /** since the start, at the end of that epoch */
  readonly days: readonly number[];
  /** that the point stands for */
  readonly spanDays: readonly number[];
}

export function timeAxis(scenario: Scenario, { epochs }: Series): TimeAxis {
  const tempos = temposOf(scenario);
  const days = epochs.map((epoch) => daysAt(tempos, epoch));
  return { epochs, days, spanDays: days.map((day, i) => day - (days[i - 1] ?? 0)) };
}

interface Tempo {
  readonly fromEpoch: number;
  readonly blocks: number;
}

/** In the order of epochs: a scenario may change its tempo under way. */
function temposOf({ subnet, changes }: Scenario): Tempo[] {
  const changed = changes.flatMap(({ epoch, set }): Tempo[] => {
    const blocks = set['subnet.tempo'];
    return typeof blocks === 'number' ? [{ fromEpoch: epoch, blocks }] : [];
  });
  return [{ fromEpoch: 1, blocks: subnet.tempo }, ...changed];
}

function daysAt(tempos: readonly Tempo[], epoch: number): number {
  const blocks = tempos.reduce((sum, tempo, i) => {
    const end = Math.min(epoch, (tempos[i + 1]?.fromEpoch ?? Number.POSITIVE_INFINITY) - 1);
    return sum + Math.max(end - tempo.fromEpoch + 1, 0) * tempo.blocks;
  }, 0);
  return blocks / BLOCKS_PER_DAY;
}

/** At most `limit` points, neighbours joined as the recorder joins them: flows add up, levels keep the later. */
export function thinned(series: Series, limit: number): Series {
  const step = Math.ceil(series.points.length / limit);
  if (step <= 1) return series;
  const starts = Array.from({ length: Math.ceil(series.points.length / step) }, (_, i) => i * step);
  const joined = starts.map((start) => series.points.slice(start, start + step));
  return {
    columns: series.columns,
    epochsPerPoint: series.epochsPerPoint * step,
    epochs: starts.map((start) => series.epochs[Math.min(start + step, series.epochs.length) - 1]!),
    points: joined.map((points) =>
      series.columns.map(({ kind }, column) =>
        kind === 'flow'
          ? points.reduce((sum, point) => sum + point[column]!, 0)
          : points[points.length - 1]![column]!,
      ),
    ),
  };
}
