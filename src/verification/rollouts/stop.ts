// Owns: how a rollout may end, and of which tokens it may be made. Does not own: whether the stream chose them.
import type { Policy } from '../../inference/spec/policy.js';
import type { RolloutReason } from './reasons.js';
import type { Rollout } from './rollout.js';

type Ends = Pick<Policy, 'maxTokens' | 'stopIds'>;

/**
 * Why a rollout alone is invalid; undefined when it is not. A stop id ends a rollout wherever the stream chooses it, so one
 * that goes on behind it is as wrong as one that ends without.
 * @param vocabulary tokens of the model: ids from 0 to below it
 */
export function tokensWrong(rollout: Rollout, policy: Ends, vocabulary: number): RolloutReason | undefined {
  const { tokens, stop } = rollout;
  if (tokens.length === 0) return 'no-tokens';
  if (tokens.some((token) => token >= vocabulary)) return 'outside-vocabulary';
  const last = tokens.length - 1;
  // a handful of ids: searching each is quicker than a set of them
  for (const id of policy.stopIds) {
    const at = tokens.indexOf(id);
    if (at >= 0 && at < last) return 'stop-inside';
  }
  const ended = policy.stopIds.includes(tokens[last]!);
  if (stop === 'eos') return ended ? undefined : 'eos-without-stop';
  if (tokens.length < policy.maxTokens) return 'cap-short';
  return ended ? 'cap-with-stop' : undefined;
}
