// Owns: what a metered job costs and pays, and stake that counts more the longer it is locked.
// Does not own: who measures the seconds, escrow accounts.

const SECONDS_PER_YEAR = 365n * 86_400n;

export interface JobSettlement {
  /** taken from the customer when the job is posted */
  readonly deposit: bigint;
  /** to the host */
  readonly pay: bigint;
  /** back to the customer; deposit = pay + refund */
  readonly refund: bigint;
}

/**
 * Nosana's escrow: `deposit = price × timeout`, `pay = price × min(ran, timeout)`, the rest goes back. Amounts in the
 * unit of the price, Nosana's being 10^-6 NOS.
 *
 * @throws RangeError when a price or time is negative
 * @example settleJob({ pricePerSecond: 115n, timeoutSeconds: 3600n, ranSeconds: 1200n })
 * // { deposit: 414_000n, pay: 138_000n, refund: 276_000n }
 */
export function settleJob(job: {
  readonly pricePerSecond: bigint;
  /** the customer's own, not the market's longest: the deposit that is shown is the deposit that is taken */
  readonly timeoutSeconds: bigint;
  readonly ranSeconds: bigint;
}): JobSettlement {
  assertNotNegative(job);
  const paidSeconds = job.ranSeconds < job.timeoutSeconds ? job.ranSeconds : job.timeoutSeconds;
  const deposit = job.pricePerSecond * job.timeoutSeconds;
  const pay = job.pricePerSecond * paidSeconds;
  return { deposit, pay, refund: deposit - pay };
}

/**
 * What the customer adds when a job may run longer.
 *
 * @throws RangeError when a price or time is negative, or the new timeout is not longer
 * @example jobTopUp({ pricePerSecond: 115n, timeoutSeconds: 3600n, newTimeoutSeconds: 7200n }) // 414_000n
 */
export function jobTopUp(job: {
  readonly pricePerSecond: bigint;
  readonly timeoutSeconds: bigint;
  readonly newTimeoutSeconds: bigint;
}): bigint {
  assertNotNegative(job);
  if (job.newTimeoutSeconds <= job.timeoutSeconds)
    throw new RangeError(
      `newTimeoutSeconds: expected more than ${job.timeoutSeconds}, got ${job.newTimeoutSeconds}`,
    );
  return job.pricePerSecond * (job.newTimeoutSeconds - job.timeoutSeconds);
}

/**
 * Nosana's xNOS: `amount × (1 + days / (365/12 × 4))`, that is `amount × (1 + 3 × duration / 365 days)`, floored; ×4 for
 * a year. Stake that is being withdrawn counts 0.
 *
 * @returns in the unit of `amount`
 * @throws RangeError for a negative amount, or a duration outside 14 to 365 days
 * @example lockedStakeWeight({ amount: 1000n, durationSeconds: 365n * 86_400n, unstaking: false }) // 4000n
 */
export function lockedStakeWeight(stake: {
  readonly amount: bigint;
  readonly durationSeconds: bigint;
  readonly unstaking: boolean;
}): bigint {
  const { amount, durationSeconds } = stake;
  assertNotNegative({ amount });
  if (durationSeconds < 14n * 86_400n || durationSeconds > SECONDS_PER_YEAR)
    throw new RangeError(`durationSeconds: expected 14 to 365 days, got ${durationSeconds}`);
  if (stake.unstaking) return 0n;
  return (amount * (SECONDS_PER_YEAR + 3n * durationSeconds)) / SECONDS_PER_YEAR;
}

function assertNotNegative(values: Readonly<Record<string, bigint>>): void {
  for (const [label, value] of Object.entries(values))
    if (value < 0n) throw new RangeError(`${label}: expected at least 0, got ${value}`);
}
