// Owns: from an operation to a block, as a person wants it: what it is, what it costs, what speaks against it, a question,
// then sending. Does not own: which operations there are (chain), whose key signs (signers.ts).
import { z } from 'zod';
import type { ChainInfo, Signed } from '../chain/chain.js';
import { networkNameOf } from '../chain/networks.js';
import { type Explained, explain, wouldReject } from '../chain/subtensor/errors.js';
import type { Done } from '../chain/subtensor/operate.js';
import type { Operation, Refusal } from '../chain/subtensor/operations/operation.js';
import type { Preview } from '../chain/subtensor/preview.js';
import type { Keypair } from '../keys/keypair.js';
import { fromAddress } from '../keys/ss58.js';
import { AssayError, isAssayError } from '../model/errors.js';
import { confirm } from './confirm.js';
import { type Fact, factLines, hashText } from './facts.js';
import { invalid } from './invalid-input.js';
import { type ChainClient, isLocalnet } from './networks.js';
import { EXIT, print, printJson, toJson } from './output.js';
import type { Signer } from './signers.js';
import { taoText } from './tao.js';

export const sendingFlags = {
  dryRun: z.boolean().default(false),
  yes: z.boolean().default(false),
};

export interface Sending {
  readonly chain: ChainClient;
  readonly signer: Signer;
  readonly operation: Operation;
  /** what is about to be done, as the question has it: `register 5F… in subnet 3` */
  readonly what: string;
  /** what is worth knowing before saying yes */
  readonly facts?: readonly Fact[];
  /** the same for programs */
  readonly data?: object;
  /** what speaks against it beside what the operation itself looks at */
  readonly refusals?: readonly Refusal[];
  /**
   * Runs once it may be signed, after questions and passwords took their time: what is signed instead, from the state of
   * that moment. When it rejects, nothing is signed.
   */
  readonly renew?: () => Promise<Operation>;
  /** runs when it is signed and before it leaves; when it rejects, nothing is sent */
  readonly keep?: () => Promise<void>;
  readonly flags: { readonly dryRun: boolean; readonly yes: boolean; readonly json: boolean };
}

/** With the chain that it was done on. */
export type SentDone = Done & { readonly on: OnChain };

interface OnChain {
  readonly chain: string;
  /** 0x and hex */
  readonly genesisHash: string;
}

export type Sent =
  | { readonly is: 'sent'; readonly done: SentDone }
  /** a dry run, somebody said no, or it was interrupted: everything has been printed */
  | { readonly is: 'not-sent'; readonly code: number };

/**
 * Nothing is signed before all that can be checked was, and before the answer was yes: a node never sees a signature of
 * what was only asked about.
 * @throws AssayError `chain-rejected` with `unsent` for what state speaks against, and as ChainOperator.submit
 */
export async function sendOperation(sending: Sending, signal: AbortSignal): Promise<Sent> {
  const { chain, signer, operation, what, facts = [], data = {}, keep, renew, flags } = sending;
  const { json, yes, dryRun } = flags;
  const info = await chain.info();
  const local = isLocalnet(info);
  const on: OnChain = { chain: info.name, genesisHash: hashText(info.genesisHash) };
  if (!dryRun) {
    assertAskable({ json, yes, local });
    assertOwnKey(signer, info);
  }
  const preview = await chain.preview(withoutSecret(signer.address), operation);
  const { feeRao } = preview;
  const refusals = allRefusals(preview, sending.refusals);
  if (dryRun) {
    if (json) {
      const { call, args, encoded } = preview;
      printJson({
        dryRun: true,
        ...on,
        ...data,
        call,
        args,
        encoded,
        feeRao,
        refusals,
        ok: refusals.length === 0,
      });
    } else print(dryText(what, { ...preview, refusals }, [chainFact(chain, on), ...facts]));
    return { is: 'not-sent', code: refusals.length === 0 ? EXIT.ok : EXIT.failed };
  }
  if (refusals[0]) throw wouldReject(preview.call, refusals[0]);
  if (!json) {
    const fee: Fact = ['fee', feeRao === undefined ? 'not known' : `${taoText(feeRao)} TAO`];
    print(
      factLines([chainFact(chain, on), ...facts, ['call', preview.call], fee, ['signer', signer.address]]),
    );
  }
  if (!yes && !local && !(await confirm(`${what}, on ${chainName(on)}?`, signal))) {
    process.stderr.write('nothing was sent\n');
    return { is: 'not-sent', code: signal.aborted ? EXIT.interrupted : EXIT.failed };
  }
  const keypair = await signer.unlock();
  const last = renew ? await renew() : operation;
  let signed: Signed | undefined;
  const onSigned = async (now: Signed): Promise<void> => {
    await keep?.();
    signed = now;
    process.stderr.write(`sending ${fateText(now)}\n`);
  };
  try {
    const done = await chain.submit(keypair, last, { onSigned });
    return { is: 'sent', done: { ...done, on } };
  } catch (error) {
    // refused is refused; everything else leaves open what became of it
    if (signed === undefined || !signal.aborted || isAssayError(error, 'chain-rejected')) throw error;
    process.stderr.write(`interrupted after sending ${fateText(signed)}: look before sending it again\n`);
    const { hash, deathBlock } = signed;
    if (json)
      printJson({
        interrupted: true,
        ...on,
        ...data,
        extrinsicHash: hashText(hash),
        mayLandUntil: deathBlock - 1,
      });
    return { is: 'not-sent', code: EXIT.interrupted };
  }
}

const fateText = ({ hash, deathBlock }: Signed): string =>
  `${hashText(hash)}; it may land until block ${deathBlock - 1}`;

const chainName = ({ chain, genesisHash }: OnChain): string => {
  const network = networkNameOf(genesisHash);
  return network === undefined ? chain : `${chain} (${network})`;
};

/** Which chain it is, who says so, and what cannot be said by another: the beginning of its genesis hash. */
const chainFact = (chain: ChainClient, on: OnChain): Fact => [
  'chain',
  `${chainName(on)} at ${chain.status().url}, genesis ${on.genesisHash.slice(0, 10)}`,
];

/** @throws AssayError `invalid-input`: everybody knows the keys of //Alice and the like */
function assertOwnKey({ isDevelopment }: Signer, info: ChainInfo): void {
  if (isDevelopment !== true || isLocalnet(info)) return;
  throw invalid('the key', 'a wallet: everybody has the keys of development URIs', `one, on ${info.name}`);
}

/** What a node says of a signature that is none; a node that looks at it first says nothing else. */
const ABOUT_THE_SIGNATURE: ReadonlySet<string> = new Set(['BadProof', 'BadSigner']);

/** What state says, what the caller knows, and what the node found when it ran the call and threw it away. */
function allRefusals(
  { refusals, dryRun }: Preview,
  known: readonly Refusal[] = [],
): readonly (Refusal & Explained)[] {
  const all = [...refusals];
  for (const refusal of known)
    if (!all.some(({ error }) => error === refusal.error))
      all.push({ ...explain(refusal.error), ...refusal });
  // the pool has names of its own for what state says: one reason is enough
  if (all.length > 0 || dryRun.by === 'none' || dryRun.ok || ABOUT_THE_SIGNATURE.has(dryRun.error))
    return all;
  const { by, ok: _, ...verdict } = dryRun;
  return [{ ...verdict, detail: `the node says so: ${by}` }];
}

/** What was done, and where it stands. */
export function printDone(done: SentDone, json: boolean, text: string, data: object): void {
  const { block, blockHash, extrinsicHash, on } = done;
  if (json)
    printJson({
      ...on,
      ...data,
      block,
      blockHash: hashText(blockHash),
      extrinsicHash: hashText(extrinsicHash),
    });
  else print(`${text}, in block ${block} ${hashText(blockHash)}`);
}

function assertAskable({ json, yes, local }: { json: boolean; yes: boolean; local: boolean }): void {
  if (!json || yes || local) return;
  const problem = '--yes: is required with --json, for nothing is asked then';
  throw new AssayError('invalid-config', problem, { source: 'flags', problems: [problem] });
}

/** Can be asked about, cannot sign: its signatures are zeros. */
export const withoutSecret = (address: string): Keypair => ({
  address,
  publicKey: fromAddress(address),
  sign: () => new Uint8Array(64),
});

function dryText(
  what: string,
  { call, args, encoded, feeRao, refusals }: Preview,
  facts: readonly Fact[],
): string {
  const checks =
    refusals.length === 0
      ? ['nothing known speaks against it']
      : refusals.flatMap(({ error, detail, atBlock, remedy }) => [
          `the chain would reject it: ${error} (${detail}${atBlock === undefined ? '' : `; possible from block ${atBlock}`})`,
          ...(remedy === undefined ? [] : [`  what to do: ${remedy}`]),
        ]);
  return [
    `dry run: ${what}; nothing is signed or sent`,
    factLines([
      ...facts,
      ['call', call],
      ...Object.entries(args).map(([name, value]): Fact => [`  ${name}`, show(value)]),
      ['encoded', encoded],
      ['fee', feeRao === undefined ? 'not known' : `${taoText(feeRao)} TAO`],
    ]),
    ...checks,
  ].join('\n');
}

const show = (value: unknown): string => (typeof value === 'string' ? value : (toJson(value) ?? 'none'));
