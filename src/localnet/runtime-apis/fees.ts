// Owns: TransactionPaymentApi and TransactionPaymentCallApi on a chain where nothing costs a fee.
import type { RuntimeApis } from '../../chain/codec/runtime.js';
import type { Implementation } from '../../chain/codec/runtime-api.js';
import type { At } from './at.js';

const NO_FEE = {
  weight: { ref_time: 1_000_000n, proof_size: 0n },
  class: 'Normal',
  partial_fee: 0n,
} as const;
/** no inclusion fee: as the chain answers for a call that pays none */
const NO_FEE_DETAILS = { inclusion_fee: undefined, tip: 0n };
const conversions = { query_weight_to_fee: () => 0n, query_length_to_fee: () => 0n };

export const transactionPaymentApi: Implementation<RuntimeApis['TransactionPaymentApi'], At> = {
  query_info: () => NO_FEE,
  query_fee_details: () => NO_FEE_DETAILS,
  ...conversions,
};

export const transactionPaymentCallApi: Implementation<RuntimeApis['TransactionPaymentCallApi'], At> = {
  query_call_info: () => NO_FEE,
  query_call_fee_details: () => NO_FEE_DETAILS,
  ...conversions,
};
