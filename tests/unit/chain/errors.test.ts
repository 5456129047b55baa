import { describe, expect, it } from 'vitest';
import { isNonceError, toChainError } from '../../../src/chain/subtensor/errors.js';

const rpc = (code: number, message: string, data?: string) =>
  Object.assign(new Error(`${code}: ${message}${data === undefined ? '' : `: ${data}`}`), { code, data });
const submitting = (call: string) => ({ url: 'ws://x', what: 'author_submitAndWatchExtrinsic', call });
const reading = { url: 'ws://x', what: 'chain_getHeader' };

describe('toChainError', () => {
  it.each([
    ['SubtensorModule.set_weights', 6, 'SettingWeightsTooFast'],
    ['SubtensorModule.set_weights', 1, 'NotEnoughStakeToSetWeights'],
    ['SubtensorModule.add_stake', 1, 'StakeAmountTooLow'],
    ['SubtensorModule.register_network', 6, 'NetworkTxRateLimitExceeded'],
    ['SubtensorModule.serve_axon', 11, 'InvalidIpAddress'],
    ['SubtensorModule.serve_axon', 12, 'ServingRateLimitExceeded'],
    ['SubtensorModule.serve_axon', 99, 'Custom(99)'],
  ])('%s refused by the pool with Custom(%d) is %s', (call, n, error) => {
    const ours = toChainError(rpc(1010, 'Invalid Transaction', `Custom error: ${n}`), submitting(call));
    expect(ours).toMatchObject({ code: 'chain-rejected', data: { call, error } });
  });

  it.each([
    [1010, 'Transaction is outdated', 'Stale', true],
    [1010, 'Transaction has a bad signature', 'BadProof', false],
    [1010, 'Inability to pay some fees (e.g. account balance too low)', 'Payment', false],
    [1010, 'Transaction will be valid in the future', 'Future', false],
    [1010, 'Transaction has an ancient birth block', 'AncientBirthBlock', false],
    [1014, 'Priority is too low: (1 vs 1)', 'TooLowPriority', true],
    [1012, 'Transaction is temporarily banned', 'TemporarilyBanned', false],
  ])('code %d, %s, is %s', (code, text, error, isNonce) => {
    const ours = toChainError(rpc(code, 'Invalid Transaction', text), submitting('A.b'));
    expect(ours).toMatchObject({ code: 'chain-rejected', data: { call: 'A.b', error } });
    expect(isNonceError(ours)).toBe(isNonce);
  });

  it.each([
    [rpc(4003, 'Client error: UnknownBlock: Header was not found in the database'), 'chain-unknown'],
    [
      rpc(4003, 'Client error: Api called for an unknown Block: State already discarded for 0x00'),
      'chain-unknown',
    ],
    [rpc(-32601, 'Method not found'), 'unsupported'],
    [rpc(-32602, 'Invalid params'), 'refused'],
    [new Error('surprise'), 'internal'],
    ['thrown text', 'internal'],
  ])('reads %s as %s', (error, code) => {
    const ours = toChainError(error, reading);
    expect(ours.code).toBe(code);
    expect(ours.cause).toBe(error);
  });

  it('leaves ours alone', () => {
    const ours = toChainError(new Error('surprise'), reading);
    expect(toChainError(ours, reading)).toBe(ours);
  });
});
