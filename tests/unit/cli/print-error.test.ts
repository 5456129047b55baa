import { afterEach, describe, expect, it, vi } from 'vitest';
import { printError } from '../../../src/cli/output.js';
import { AssayError } from '../../../src/model/errors.js';

afterEach(() => vi.restoreAllMocks());

describe('an error of the chain', () => {
  it('is printed with what it means and what to do', () => {
    const written: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    printError(
      new AssayError('chain-rejected', 'the chain rejected SubtensorModule.add_stake: SubnetNotExists', {
        call: 'SubtensorModule.add_stake',
        error: 'SubnetNotExists',
        means: 'There is no such subnet.',
        remedy: 'Check the netuid and the network.',
      }),
      false,
    );
    expect(written.join('')).toBe(
      'error: the chain rejected SubtensorModule.add_stake: SubnetNotExists [chain-rejected]\n' +
        '  what it means: There is no such subnet.\n' +
        '  what to do: Check the netuid and the network.\n',
    );
  });

  it('is one line for each cause, also where OpenSSL names its sources and ends its lines', () => {
    const written: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    const openssl =
      'write EPROTO 80BB:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/openssl/openssl/ssl/record/ssl3_record.c:355:\n';
    const url = 'wss://127.0.0.1:9944';
    const cause = new Error(openssl);
    printError(new AssayError('unreachable', `${url} cannot be reached`, { address: url }, { cause }), false);
    expect(written.join('')).toBe(
      'error: wss://127.0.0.1:9944 cannot be reached [unreachable]\n' +
        '  because: write EPROTO 80BB:error:0A00010B:SSL routines:ssl3_get_record:wrong version number\n',
    );
  });

  it('shows what a peer put into its words as signs: nothing moves the cursor or turns the text', () => {
    const written: string[] = [];
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    const reason = 'no\x1b[2J\u202e';
    printError(new AssayError('refused', `the peer refused: ${reason}`, { reason }), false);
    expect(written.join('')).toBe('error: the peer refused: no\uFFFD[2J\uFFFD [refused]\n');
  });
});
