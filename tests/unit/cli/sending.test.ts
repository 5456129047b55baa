import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ChainInfo, SendOptions } from '../../../src/chain/chain.js';
import { NETWORKS } from '../../../src/chain/networks.js';
import { transfer } from '../../../src/chain/subtensor/operations/balances.js';
import type { Preview } from '../../../src/chain/subtensor/preview.js';
import type { ChainClient } from '../../../src/cli/networks.js';
import { sendOperation } from '../../../src/cli/sending.js';
import { devKeypair, type Keypair, readyKeys } from '../../../src/keys/index.js';
import { fromHex } from '../../../src/model/bytes.js';
import { AssayError } from '../../../src/model/errors.js';

await readyKeys();
const sender = devKeypair('sender');
const never = new AbortController().signal;
const FINNEY = NETWORKS.finney.genesis;
const NOTHING_WRONG: Preview = {
  call: 'Balances.transfer_keep_alive',
  args: { value: '1' },
  encoded: '0x0503',
  feeRao: 125n,
  refusals: [],
  dryRun: { by: 'none', why: 'not asked' },
};
const REFUSED: Preview = {
  ...NOTHING_WRONG,
  refusals: [{ error: 'Token.NotExpendable', detail: 'needs 1 TAO', atBlock: 9 }],
};

let printed: string;
beforeEach(() => {
  printed = '';
  for (const stream of ['stdout', 'stderr'] as const)
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
});
afterEach(() => vi.restoreAllMocks());

/** A chain of the main network's kind, which notes what it is asked for. */
function live(
  preview: Preview,
  type: ChainInfo['type'] = 'live',
  { failure, signal = never }: { failure?: () => Error; signal?: AbortSignal } = {},
) {
  const signatures: Uint8Array[] = [];
  const submitted: string[] = [];
  const chain = {
    info: async () => ({ type, name: 'Bittensor', genesisHash: fromHex(FINNEY.slice(2)) }),
    status: () => ({ url: 'wss://node' }),
    async preview(keypair: Keypair) {
      signatures.push(keypair.sign(new Uint8Array(1)));
      return preview;
    },
    async submit(keypair: Keypair, _operation: unknown, { onSigned }: SendOptions) {
      submitted.push(keypair.address);
      await onSigned?.({ bytes: new Uint8Array(1), hash: new Uint8Array(32), nonce: 0, deathBlock: 70 });
      if (failure !== undefined) throw failure();
      const hash = new Uint8Array(32);
      return { block: 5, blockHash: hash, extrinsicHash: hash, events: [] };
    },
  } as unknown as ChainClient; // the four that are called
  const unlock = vi.fn(async () => sender);
  const send = (flags: Partial<{ dryRun: boolean; yes: boolean; json: boolean }>, isDevelopment = false) =>
    sendOperation(
      {
        chain,
        signer: { address: sender.address, unlock, isDevelopment },
        operation: transfer(sender.address, 1n),
        what: 'transfer 1 rao',
        flags: { dryRun: false, yes: false, json: false, ...flags },
      },
      signal,
    );
  return { send, unlock, submitted, signatures };
}

describe('a call on the way to the chain', () => {
  test('is not sent by a script to a live chain unless it says --yes', async () => {
    for (const flags of [{ json: true }, {}]) {
      const { send, unlock, submitted } = live(NOTHING_WRONG);
      await expect(send(flags)).rejects.toMatchObject({ code: 'invalid-config' });
      expect(unlock).not.toHaveBeenCalled();
      expect(submitted).toEqual([]);
    }
    const { send, submitted } = live(NOTHING_WRONG);
    await expect(send({ yes: true })).resolves.toMatchObject({ is: 'sent' });
    expect(submitted).toEqual([sender.address]);
  });

  test('needs no --yes on a localnet', async () => {
    const { send, submitted } = live(NOTHING_WRONG, 'development');
    await send({});
    expect(submitted).toEqual([sender.address]);
  });

  test('is neither signed nor sent when state speaks against it, and no password is asked for', async () => {
    const { send, unlock, submitted, signatures } = live(REFUSED);
    await expect(send({ yes: true })).rejects.toMatchObject({
      code: 'chain-rejected',
      data: { error: 'Token.NotExpendable', unsent: true, atBlock: 9 },
    });
    expect(unlock).not.toHaveBeenCalled();
    expect(submitted).toEqual([]);
    // what the node saw of it was no signature
    expect(signatures.every((signature) => signature.every((byte) => byte === 0))).toBe(true);
  });

  test('is shown by --dry-run with its bytes, its fee and what speaks against it', async () => {
    const { send, unlock, submitted } = live(REFUSED);
    await expect(send({ dryRun: true })).resolves.toEqual({ is: 'not-sent', code: 1 });
    expect(printed).toMatch(/chain +Bittensor \(finney\) at wss:\/\/node, genesis 0x2f0555cc\n/);
    expect(printed).toContain('encoded  0x0503');
    expect(printed).toContain('0.000000125 TAO');
    expect(printed).toContain('Token.NotExpendable (needs 1 TAO; possible from block 9)');
    expect(unlock).not.toHaveBeenCalled();
    expect(submitted).toEqual([]);
  });

  test('passes a dry run when nothing speaks against it, for programs as one document', async () => {
    const { send } = live(NOTHING_WRONG);
    await expect(send({ dryRun: true, json: true })).resolves.toEqual({ is: 'not-sent', code: 0 });
    expect(JSON.parse(printed)).toMatchObject({ dryRun: true, ok: true, feeRao: '125', encoded: '0x0503' });
  });

  test('counts what a node found when it ran the call, but not that there was no signature', async () => {
    const verdict = (error: string): Preview => ({
      ...NOTHING_WRONG,
      dryRun: { by: 'validate_transaction', ok: false, error },
    });
    await expect(live(verdict('BadProof')).send({ dryRun: true })).resolves.toMatchObject({ code: 0 });
    await expect(live(verdict('Payment')).send({ dryRun: true })).resolves.toMatchObject({ code: 1 });
    expect(printed).toContain('the chain would reject it: Payment (the node says so: validate_transaction)');
    const { send, submitted } = live(verdict('Payment'));
    await expect(send({ yes: true })).rejects.toMatchObject({ data: { error: 'Payment', unsent: true } });
    expect(submitted).toEqual([]);
  });

  test('names the chain for programs', async () => {
    const { send } = live(NOTHING_WRONG);
    await send({ dryRun: true, json: true });
    expect(JSON.parse(printed)).toMatchObject({ chain: 'Bittensor', genesisHash: FINNEY });
  });

  test('is not signed on a live chain with a key that everybody has; a dry run signs nothing', async () => {
    const { send, submitted } = live(NOTHING_WRONG);
    await expect(send({ yes: true }, true)).rejects.toMatchObject({ code: 'invalid-input' });
    expect(submitted).toEqual([]);
    await expect(send({ dryRun: true }, true)).resolves.toMatchObject({ code: 0 });
    await expect(live(NOTHING_WRONG, 'local').send({}, true)).resolves.toMatchObject({ is: 'sent' });
  });

  test('says what it sent and until when it counts, before and after an interruption', async () => {
    const stop = new AbortController();
    const failure = (): Error => {
      stop.abort();
      return new AssayError('unreachable', 'closed', { address: 'wss://node' });
    };
    const { send } = live(NOTHING_WRONG, 'live', { failure, signal: stop.signal });
    await expect(send({ yes: true })).resolves.toEqual({ is: 'not-sent', code: 130 });
    const hash = `0x${'00'.repeat(32)}`;
    expect(printed).toContain(`sending ${hash}; it may land until block 69\n`);
    expect(printed).toContain(`interrupted after sending ${hash}; it may land until block 69`);

    const documents = vi.mocked(process.stdout.write).mock.calls.length;
    await live(NOTHING_WRONG, 'live', { failure, signal: stop.signal }).send({ yes: true, json: true });
    const [document] = vi.mocked(process.stdout.write).mock.calls.slice(documents);
    expect(JSON.parse(String(document?.[0]))).toMatchObject({
      interrupted: true,
      extrinsicHash: hash,
      mayLandUntil: 69,
    });
  });

  test('that the chain refused is an error, interrupted or not', async () => {
    const stop = AbortSignal.abort();
    const failure = () => new AssayError('chain-rejected', 'no', { call: 'x', error: 'BadOrigin' });
    const { send } = live(NOTHING_WRONG, 'live', { failure, signal: stop });
    await expect(send({ yes: true })).rejects.toMatchObject({ code: 'chain-rejected' });
  });
});
