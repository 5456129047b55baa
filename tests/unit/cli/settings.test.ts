import { describe, expect, test } from 'vitest';
import { allowedAt } from '../../../src/cli/commands/chain/hyperparams.js';
import { settingOf, settingOfListed } from '../../../src/cli/commands/subnet/settings.js';

// names of get_subnet_hyperparams_v3, subtensor rpc_info/subnet_info.rs at spec 425
const LISTED =
  'kappa immunity_period min_allowed_weights max_weights_limit tempo weights_version weights_rate_limit activity_cutoff activity_cutoff_factor registration_allowed target_regs_per_interval min_burn max_burn burn_half_life burn_increase_mult bonds_moving_avg max_regs_per_block serving_rate_limit max_validators commit_reveal_period commit_reveal_weights_enabled liquid_alpha_enabled alpha_sigmoid_steepness subnet_is_active transfers_enabled bonds_reset_enabled owner_cut_enabled owner_cut_auto_lock_enabled min_childkey_take'.split(
    ' ',
  );

describe('settings of a subnet', () => {
  test('there is one behind every hyperparameter that the chain lists, but the limit that nobody can set', () => {
    expect(LISTED.filter((name) => settingOfListed(name) === undefined)).toEqual(['max_weights_limit']);
  });

  test('the owner’s tempo and root’s are different calls', () => {
    expect(settingOf('tempo', false).toOperation(1, '720')).toMatchObject({ name: 'set_tempo' });
    expect(settingOf('tempo', true).toOperation(1, '10')).toMatchObject({
      pallet: 'AdminUtils',
      name: 'sudo_set_tempo',
    });
  });

  test.each([
    ['alpha_values', '1638,60000', { alpha_low: 1638, alpha_high: 60_000 }],
    ['mechanism-count', '2', { mechanism_count: 2 }],
    ['mechanism_emission_split', '32768, 32767', { maybe_split: [32_768, 32_767] }],
    ['mechanism_emission_split', 'even', { maybe_split: undefined }],
    ['immunity_period', '7200', { immunity_period: 7200n }],
    ['liquid_alpha_enabled', 'on', { enabled: true }],
    // 1.5 x 2^64
    ['burn_increase_mult', '1.5', { burn_increase_mult: { bits: 27_670_116_110_564_327_424n } }],
  ])('%s takes %s', (name, text, args) => {
    expect(settingOf(name, false).toOperation(1, text).args).toEqual({ netuid: 1, ...args });
  });

  test.each([
    ['alpha_values', '1'],
    ['alpha_values', '1,2,3'],
    ['mechanism_count', '-1'],
    ['mechanism_count', '1e2'],
    ['immunity_period', '65536'],
    ['liquid_alpha_enabled', 'maybe'],
    ['owner_hotkey', 'nobody'],
    ['no_such_thing', '1'],
  ])('%s refuses %s', (name, text) => {
    expect(() => settingOf(name, false).toOperation(1, text)).toThrow(/expected|no hyperparameter|not/);
  });

  test('may be set from the later of rate limit and freeze window on', () => {
    const setting = settingOf('immunity_period', false);
    const limit = {
      action: 'owner hyperparameter ImmunityPeriod',
      by: 'owner' as const,
      limitBlocks: 720,
      lastBlock: 100,
      allowedAt: 820,
    };
    const freeze = { windowBlocks: 10, next: { from: 815, until: 825 } };
    const at = (block: number, limits: readonly (typeof limit)[], window: typeof freeze | undefined) =>
      allowedAt(setting, { block, limits, freeze: window });
    expect(at(200, [], undefined)).toBe(200);
    expect(at(200, [limit], undefined)).toBe(820);
    expect(at(200, [limit], freeze)).toBe(825);
    expect(at(814, [], freeze)).toBe(814);
    expect(at(815, [], freeze)).toBe(825);
    expect(at(825, [limit], freeze)).toBe(825);
  });
});
