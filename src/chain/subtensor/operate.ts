// Owns: an operation from check to proof: look first, send, find what failed inside, read the effect back.
// Does not own: which operations there are (operations/), signing and following an extrinsic (submit.ts).
import type { DispatchError } from '@polkadot/types/interfaces';
import type { Codec } from '@polkadot/types/types';
import type { Keypair } from '../../keys/keypair.js';
import { isAssayError } from '../../model/errors.js';
import type { Landed, SendOptions } from '../chain.js';
import { retryRead } from '../with-retry.js';
import { readBlock } from './blocks.js';
import { nameOf, toCall } from './calls.js';
import { type Explained, explainDispatch, rejected, wouldReject } from './errors.js';
import type { Effect, Operation, OperationEvent, Refusal, State } from './operations/operation.js';
import { plainOf } from './plain.js';
import { createPreviewer, type Preview } from './preview.js';
import { runtimeAt } from './runtime.js';
import { createState } from './state.js';
import { type ChainEvent, type Included, notLanded, type SubmitParts, submit } from './submit.js';

export interface OperateOptions extends SendOptions {
  /** Look at state before signing, and sign nothing that it speaks against. @default true */
  readonly check?: boolean;
}

/** What became of one part of a batch. */
export type ItemResult = { readonly label: string } & (
  | { readonly ok: true }
  | ({ readonly ok: false } & Explained)
  /** an earlier part of an interruptible batch failed */
  | { readonly ok: false; readonly error: 'NotRun' }
);

export interface Done extends Landed {
  readonly events: readonly OperationEvent[];
  /** of a batch, in its order */
  readonly items?: readonly ItemResult[];
}

/** Any call of the chain, as a value (operations/). */
export interface ChainOperator {
  /**
   * Checks, signs, sends, and reads the effect back from the block that carried it. Parts of a batch may fail: see `items`.
   * @throws AssayError `chain-rejected` (with `unsent` when this client saw it coming and signed nothing), `unsupported`
   *   for a call that this chain has in no form, `not-landed`, `unreachable` or `timeout`
   */
  submit(signer: Keypair, operation: Operation, options?: OperateOptions): Promise<Done>;
  /** What would be sent and what would become of it; nothing is sent. */
  preview(signer: Keypair, operation: Operation): Promise<Preview>;
}

export function createOperator(parts: SubmitParts): ChainOperator {
  return {
    async submit(signer, operation, options) {
      const { after: _state, ...done } = await operate(parts, signer, operation, options);
      return done;
    },
    preview: createPreviewer(parts, (signer, operation) => refusalsOf(parts, signer, operation)),
  };
}

/** As ChainOperator.submit, with the state of the block that carried it. */
export async function operate(
  parts: SubmitParts,
  signer: Keypair,
  operation: Operation,
  { check = true, ...sending }: OperateOptions = {},
): Promise<Done & { readonly after: State }> {
  const call = toCall(parts.connection, operation);
  const [refusal] = check ? await refusalsOf(parts, signer, operation) : [];
  if (refusal) throw wouldReject(nameOf(operation), refusal);

  const included = await submit(parts, signer, call, {
    ...sending,
    encode: () => toCall(parts.connection, operation),
  });
  const after = createState(parts.connection, parts.parts, {
    signer: signer.address,
    block: included.block,
    at: included.at.hash,
    runtime: included.runtime,
  });
  const failed = innerFailure(included, outsideParts(operation, included.events));
  if (failed) throw rejected(nameOf(operation), failed);
  const items = resultsOf(operation, included);

  const events = included.events.map(toOperationEvent);
  const due = [
    ...operation.effects,
    ...(operation.items?.of ?? []).flatMap(({ effects }, i) => (items?.[i]?.ok ? effects : [])),
  ];
  await assertEffects(operation, due, { after, events });
  const { block, blockHash, extrinsicHash } = included;
  return { block, blockHash, extrinsicHash, events, after, ...(items ? { items } : {}) };
}

async function assertEffects(
  operation: Operation,
  effects: readonly Effect[],
  seen: Parameters<Effect>[0],
): Promise<void> {
  const misses = await Promise.all(effects.map((effect) => effect(seen)));
  const miss = misses.find((found) => found !== undefined);
  if (miss) throw notLanded(operation, miss.expected, miss.got);
}

/** In the order of the operation's checks, all of them over the state of the best block. */
async function refusalsOf(
  { connection, parts }: SubmitParts,
  signer: Keypair,
  operation: Operation,
): Promise<readonly Refusal[]> {
  if (operation.checks.length === 0) return [];
  const { block, runtime } = await retryRead(parts, 'state before a call', async () => {
    const head = await readBlock(connection);
    return { block: head, runtime: await runtimeAt(connection, head.hash, head.parent) };
  });
  // the call would be carried by the next block at the earliest
  const state = createState(connection, parts, {
    signer: signer.address,
    block: block.number + 1,
    at: block.hash,
    runtime,
  });
  const found = await Promise.all(operation.checks.map((check) => whereKnown(check(state))));
  return found.filter((refusal) => refusal !== undefined);
}

/** Runtimes that keep no such item have no such rule, or another: then the chain itself has to say. */
async function whereKnown(checking: Promise<Refusal | undefined>): Promise<Refusal | undefined> {
  try {
    return await checking;
  } catch (error) {
    if (isAssayError(error, 'chain-unknown')) return undefined;
    throw error;
  }
}

const toOperationEvent = ({ pallet, name, data }: ChainEvent): OperationEvent => ({
  // sections come in camelCase; pallets' names differ from that in their first letter alone
  pallet: pallet.charAt(0).toUpperCase() + pallet.slice(1),
  name,
  data: data.map(plainOf),
});

/** Events that carry the result of a call inside a call; the others are the extrinsic's own. */
const RESULTS: ReadonlySet<string> = new Set([
  'sudo.Sudid',
  'sudo.SudoAsDone',
  'proxy.ProxyExecuted',
  'utility.DispatchedAs',
]);

/** The error of a call inside (sudo, proxy), though the extrinsic itself succeeded. */
function innerFailure({ runtime }: Included, events: readonly ChainEvent[]): Explained | undefined {
  for (const { pallet, name, data } of events) {
    if (!RESULTS.has(`${pallet}.${name}`)) continue;
    const result = data[0] as unknown as { readonly isErr: boolean; readonly asErr: DispatchError }; // their first field
    if (result.isErr) return explainDispatch(runtime.registry, result.asErr);
  }
  return undefined;
}

/** A batch's own parts say what became of them; what wraps the batch comes after the last of them. */
function outsideParts({ items }: Operation, events: readonly ChainEvent[]): readonly ChainEvent[] {
  if (items?.rule !== 'utility') return events;
  return events.slice(events.findLastIndex(({ pallet }) => pallet === 'utility') + 1);
}

function resultsOf({ items }: Operation, included: Included): readonly ItemResult[] | undefined {
  if (!items) return undefined;
  const failures = items.rule === 'utility' ? utilityFailures(included) : weightFailures(included);
  return items.of.map(({ label }, i): ItemResult => {
    const failed = failures(i, label);
    if (failed === undefined) return { label, ok: true };
    return failed === 'NotRun' ? { label, ok: false, error: 'NotRun' } : { label, ok: false, ...failed };
  });
}

type Failures = (index: number, label: string) => Explained | 'NotRun' | undefined;

/**
 * pallet_utility puts ItemCompleted or ItemFailed after the events of each part. A `batch` ends at its first failure with
 * BatchInterrupted(index, error); what comes after was not run.
 */
function utilityFailures(included: Included): Failures {
  const { events, runtime } = included;
  const ends: (Explained | undefined)[] = [];
  let from = 0;
  let interrupted: { readonly index: number; readonly error: Explained } | undefined;
  events.forEach(({ pallet, name, data }, at) => {
    if (pallet !== 'utility') return;
    const explain = (error: Codec | undefined) =>
      explainDispatch(runtime.registry, error as unknown as DispatchError); // what these events carry
    if (name === 'BatchInterrupted')
      interrupted = { index: Number(data[0]?.toString()), error: explain(data[1]) };
    if (name !== 'ItemCompleted' && name !== 'ItemFailed') return;
    ends.push(name === 'ItemFailed' ? explain(data[0]) : innerFailure(included, events.slice(from, at)));
    from = at + 1;
  });
  return (index) => {
    if (!interrupted || index < interrupted.index) return ends[index];
    return index === interrupted.index ? interrupted.error : 'NotRun';
  };
}

/**
 * `batch_set_weights` and `batch_commit_weights` succeed whatever becomes of their parts, which say so in events
 * (subnets/weights.rs). Runtimes of early 2025 leave the netuid out: then all that can be said is that some failed.
 */
function weightFailures({ events, runtime }: Included): Failures {
  const failed = events.filter(({ name }) => name === 'BatchWeightItemFailed');
  const bySubnet = new Map(
    failed.map(({ data }) => [
      data.length > 1 ? `subnet ${data[0]?.toString()}` : undefined,
      explainDispatch(runtime.registry, data.at(-1) as unknown as DispatchError), // its last field
    ]),
  );
  return (_index, label) => bySubnet.get(label) ?? bySubnet.get(undefined);
}
