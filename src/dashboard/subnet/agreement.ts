// Owns: how validators' rows stand to one another: consensus of each column, trust and agreement of each validator. Does not own: the
// chain's exact epoch (emissions): this is for eyes, in doubles, and pays nobody.
import type { Subnet, WeightRow } from '../../chain/chain.js';
import type { Hotkey } from '../../model/ids.js';

export interface ValidatorRow {
  readonly uid: number;
  readonly hotkey: Hotkey;
  /** of all validators that count, 0..1 */
  readonly stakeShare: number;
  /** weights above zero */
  readonly weights: number;
  /** part of its row that a majority of stake supports, 0..1; undefined without a row */
  readonly trust: number | undefined;
  /** part of its row that the others' mean has too, 0..1; undefined where there is no other with a row */
  readonly agreement: number | undefined;
  /** blocks since its row was set last */
  readonly ageBlocks: number;
  readonly dividends: number;
  /** why it does not count, where it does not */
  readonly why?: 'no permit' | 'inactive' | 'no stake' | 'below the threshold' | 'no row' | undefined;
}

export interface Agreement {
  /** with a permit or a row; those that count first, by stake */
  readonly validators: readonly ValidatorRow[];
  /** by uid of the miner: what a majority of stake gives it at least, of 1 */
  readonly consensus: readonly number[];
  /** rows that count as shares of 1, by uid of the validator; dense, by uid of the miner */
  readonly rows: ReadonlyMap<number, Float64Array>;
}

const U16 = 65_535;

/**
 * In steps, so that a validator beside it goes on.
 *
 * @param matrix as the chain stores it: by uid; what is sealed and not revealed yet is not in it
 * @param kappa u16 proportion of stake that makes a majority
 */
export function* agreementOf(
  subnet: Pick<Subnet, 'neurons' | 'block' | 'stakeThresholdRao' | 'ownerUid'>,
  matrix: readonly WeightRow[],
  kappa: number,
): Generator<void, Agreement> {
  const { neurons, block, stakeThresholdRao, ownerUid } = subnet;
  const size = neurons.reduce((most, { uid }) => Math.max(most, uid + 1), 0);
  const rows = new Map<number, Float64Array>();
  const stakes = new Map<number, number>();
  const judged = neurons
    .filter(({ uid, validatorPermit }) => validatorPermit || (matrix[uid]?.length ?? 0) > 0)
    .map((neuron) => {
      const { uid, validatorPermit, active, consensusStakeRao, stakeRao } = neuron;
      const stake = consensusStakeRao ?? stakeRao;
      const row = sharesOf(matrix[uid] ?? [], { uid, ownerUid, size });
      const why: ValidatorRow['why'] = !validatorPermit
        ? 'no permit'
        : !active
          ? 'inactive'
          : stake <= 0n
            ? 'no stake'
            : stake < stakeThresholdRao
              ? 'below the threshold'
              : row === undefined
                ? 'no row'
                : undefined;
      if (why === undefined && row) {
        rows.set(uid, row);
        stakes.set(uid, Number(stake));
      }
      return { neuron, row, why };
    });
  const total = [...stakes.values()].reduce((sum, stake) => sum + stake, 0);
  yield;
  const voters = [...rows].map(([uid, row]) => ({ row, stake: stakes.get(uid)! / total }));
  const consensus = new Array<number>(size).fill(0);
  const mean = new Float64Array(size);
  for (let column = 0; column < size; column++) {
    consensus[column] = supported(
      voters.map(({ row, stake }) => ({ value: row[column]!, stake })),
      kappa / U16,
    );
    for (const { row, stake } of voters) mean[column]! += row[column]! * stake;
    if (column % 256 === 255) yield;
  }
  const validators = judged.map(({ neuron, row, why }): ValidatorRow => {
    const { uid, hotkey, lastUpdate, dividends } = neuron;
    const own = (stakes.get(uid) ?? 0) / (total || 1);
    let [weights, trust, agreement] = [0, 0, 0];
    // the others' mean, with its own part taken out
    const others = 1 - own;
    row?.forEach((value, column) => {
      if (value === 0) return;
      weights++;
      trust += Math.min(value, consensus[column]!);
      if (others > 0) agreement += Math.min(value, (mean[column]! - own * value) / others);
    });
    const hasOthers = rows.size > (rows.has(uid) ? 1 : 0);
    return {
      uid,
      hotkey,
      stakeShare: own,
      weights,
      trust: row && rows.size > 0 ? trust : undefined,
      agreement: row && hasOthers ? Math.max(0, agreement) : undefined,
      ageBlocks: Math.max(0, block - lastUpdate),
      dividends: dividends / U16,
      ...(why === undefined ? {} : { why }),
    };
  });
  validators.sort(
    (x, y) =>
      Number(x.why !== undefined) - Number(y.why !== undefined) ||
      y.stakeShare - x.stakeShare ||
      x.uid - y.uid,
  );
  return { validators, consensus, rows };
}

/** A validator's weight on itself counts for nobody but the owner. */
function sharesOf(
  row: WeightRow,
  {
    uid,
    ownerUid,
    size,
  }: { readonly uid: number; readonly ownerUid: number | undefined; readonly size: number },
): Float64Array | undefined {
  const counted = row.filter(([to, value]) => to < size && value > 0 && (to !== uid || uid === ownerUid));
  const sum = counted.reduce((all, [, value]) => all + value, 0);
  if (sum === 0) return undefined;
  const shares = new Float64Array(size);
  for (const [to, value] of counted) shares[to] = value / sum;
  return shares;
}

/** The largest value that at least `majority` of the stake supports. */
function supported(votes: { readonly value: number; readonly stake: number }[], majority: number): number {
  votes.sort((x, y) => y.value - x.value);
  let behind = 0;
  for (const { value, stake } of votes) {
    behind += stake;
    // sums of doubles: half and half must be half
    if (behind >= majority - 1e-9) return value;
  }
  return 0;
}
