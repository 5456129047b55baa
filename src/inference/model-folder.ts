// Owns: a model on disk: model.json beside the files that it names with their digests; whole or not there.
// Does not own: what is in those files (master.ts, import/), checkpoints that follow one another (checkpoint/).
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { toHex, utf8 } from '../model/bytes.js';
import { canonicalJson } from '../model/canonical-json.js';
import { AssayError } from '../model/errors.js';
import { errnoOf, foundInstead, invalid } from '../model/invalid-input.js';
import { assertConfig } from './decoder.js';
import { MAX_CONFIG_BYTES, openFolder } from './folder.js';

export const MODEL_FILE = 'model.json';

const count = z
  .number()
  .int()
  .min(1)
  .max(2 ** 20);
const id = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const fileSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  bytes: z.number().int().nonnegative(),
  /** lower-case hex */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const shared = {
  format: z.literal('assay-model/1'),
  /** what it was before it came here, such as `llama` */
  family: z.string().regex(/^[\w-]{1,64}$/),
  weights: fileSchema,
  /** ids that end a text; ascending. A policy may have fewer */
  stopIds: z.array(id).max(64),
  beginId: id.optional(),
  tokenizer: z.discriminatedUnion('kind', [
    /** ids 0..255 are bytes */
    z.strictObject({ kind: z.literal('bytes') }),
    /** Hugging Face's tokenizer.json, and tokenizer_config.json where there was one */
    z.strictObject({ kind: z.literal('file'), file: fileSchema, settings: fileSchema.optional() }),
    z.strictObject({ kind: z.literal('none') }),
  ]),
};
/** A `DecoderConfig` as files spell it: types alone, what it may say is `assertConfig`'s. */
export const decoderSchema = z.strictObject({
  vocabulary: count,
  width: count,
  layers: count,
  heads: count,
  kvHeads: count,
  headWidth: count,
  hidden: count,
  maxPositions: count,
  ropeTheta: z.number(),
  normEpsilon: z.number(),
  tied: z.boolean(),
  qkvBias: z.literal(true).optional(),
  qkNorm: z.literal(true).optional(),
  ropeScaling: z
    .strictObject({
      kind: z.literal('llama3'),
      factor: z.number(),
      lowFactor: z.number(),
      highFactor: z.number(),
      originalPositions: count,
    })
    .optional(),
});

const schema = z.discriminatedUnion('kind', [
  /** the master weights of a decoder of ours: graphs are a function of it */
  z.strictObject({
    ...shared,
    kind: z.literal('decoder'),
    config: decoderSchema,
  }),
  /** graphs of somebody else, cut into body, head and rows over one file of weights */
  z.strictObject({
    ...shared,
    kind: z.literal('graphs'),
    /** of weights, and of keys and values in the cache; intermediate results too where it is fp16 */
    dtype: z.enum(['fp32', 'fp16', 'int8', 'int4']),
    kvDtype: z.enum(['fp32', 'fp16']),
    config: z.strictObject({
      vocabulary: count,
      width: count,
      layers: count,
      heads: count,
      kvHeads: count,
      headWidth: count,
      maxPositions: count,
    }),
    body: fileSchema,
    head: fileSchema,
    rows: fileSchema,
  }),
]);

export type ModelDescription = z.infer<typeof schema>;
export type DecoderModel = Extract<ModelDescription, { kind: 'decoder' }>;
export type GraphsModel = Extract<ModelDescription, { kind: 'graphs' }>;
export type ModelFile = z.infer<typeof fileSchema>;

/** @throws AssayError `invalid-input` naming the field */
export function parseModelDescription(value: unknown, what: string): ModelDescription {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw invalid(path.length === 0 ? what : `${path.join('.')} of ${what}`, 'a model description', message);
  }
  const { data } = parsed;
  if (data.kind === 'decoder')
    try {
      assertConfig(data.config);
    } catch (error) {
      throw invalid(what, 'sizes of a decoder', error instanceof Error ? error.message : 'others', error);
    }
  if (data.config.heads % data.config.kvHeads !== 0)
    throw invalid(`heads of ${what}`, `a multiple of ${data.config.kvHeads}`, `${data.config.heads}`);
  const ids = data.beginId === undefined ? data.stopIds : [data.beginId, ...data.stopIds];
  for (const each of ids)
    if (each >= data.config.vocabulary)
      throw invalid(`ids of ${what}`, `ids below its vocabulary of ${data.config.vocabulary}`, `${each}`);
  const names = filesOf(data).map(({ name }) => name);
  if (new Set(names).size !== names.length || names.includes(MODEL_FILE))
    throw invalid(`files of ${what}`, 'each file once', names.join(', '));
  return data;
}

/** Every file that it names, the weights first. */
export function filesOf(model: ModelDescription): ModelFile[] {
  const { weights, tokenizer } = model;
  const graphs = model.kind === 'graphs' ? [model.body, model.head, model.rows] : [];
  const words = tokenizer.kind === 'file' ? [tokenizer.file, tokenizer.settings] : [];
  return [weights, ...graphs, ...words].filter((file) => file !== undefined);
}

export interface ModelFolder {
  readonly model: ModelDescription;
  /** @returns the place of a file that `model` names */
  pathOf(file: ModelFile): string;
  /**
   * Reads every file against its digest.
   * @param onProgress bytes read of all
   * @throws AssayError `corrupt` for the first that differs
   */
  verify(signal: AbortSignal, onProgress?: (done: number) => void): Promise<void>;
}

/** Sizes are looked at, digests are not: that is `verify`. @throws AssayError `invalid-input`, `corrupt` */
export async function openModelFolder(path: string): Promise<ModelFolder> {
  const folder = await openFolder(path);
  const model = parseModelDescription(
    await folder.readJson(MODEL_FILE, MAX_CONFIG_BYTES),
    `${MODEL_FILE} of ${path}`,
  );
  const pathOf = (file: ModelFile) => join(folder.path, file.name);
  const opened = async (file: ModelFile): Promise<FileHandle> => {
    const handle = await folder.open(file.name);
    const { size } = await handle.stat();
    if (size === file.bytes) return handle;
    await handle.close();
    throw corrupt(pathOf(file), `${size} bytes, ${MODEL_FILE} says ${file.bytes}`);
  };
  for (const file of filesOf(model)) await (await opened(file)).close();
  return {
    model,
    pathOf,
    async verify(signal, onProgress) {
      let done = 0;
      for (const file of filesOf(model)) {
        const handle = await opened(file);
        try {
          const hash = createHash('sha256');
          for await (const chunk of chunksOf(handle, 0, file.bytes, signal)) {
            hash.update(chunk);
            done += chunk.length;
            onProgress?.(done);
          }
          const found = hash.digest('hex');
          if (found !== file.sha256)
            throw corrupt(pathOf(file), `SHA-256 ${found}, ${MODEL_FILE} says ${file.sha256}`);
        } finally {
          await handle.close();
        }
      }
    },
  };
}

const corrupt = (path: string, why: string) => new AssayError('corrupt', `${path}: ${why}`, { path, why });

/** Large enough that a disk is the limit, small enough to be interrupted. */
const CHUNK_BYTES = 4 << 20;

/** A range of a file in pieces, each of them good until the next is asked for. */
export async function* chunksOf(
  handle: FileHandle,
  at: number,
  length: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(length, CHUNK_BYTES));
  for (let done = 0; done < length; ) {
    signal.throwIfAborted();
    const want = Math.min(buffer.length, length - done);
    for (let filled = 0; filled < want; ) {
      const { bytesRead } = await handle.read(buffer, filled, want - filled, at + done + filled);
      if (bytesRead === 0) throw invalid('file', `${length} bytes from ${at}`, 'a shorter one');
      filled += bytesRead;
    }
    yield buffer.subarray(0, want);
    done += want;
  }
}

/** A file being written into a model folder. */
export interface ModelFileWriter {
  /** bytes so far */
  readonly at: number;
  write(bytes: Uint8Array): Promise<void>;
  end(): Promise<ModelFile>;
}

/**
 * Makes a model folder: whole, or not at all.
 *
 * @param out a folder that is not there, or an empty one
 * @param fill writes the files into `part`, where they can be read once ended, and says what the model is
 * @throws AssayError `invalid-input` where `out` cannot be made, before `fill` is called
 */
export async function createModelFolder(
  out: string,
  fill: (create: (name: string) => Promise<ModelFileWriter>, part: string) => Promise<ModelDescription>,
): Promise<ModelDescription> {
  let place: string;
  let part: string;
  try {
    const there = await readdir(out).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    });
    if (there.length > 0) throw invalid(out, 'a folder that is empty or not there', 'one with files');
    // where a link leads, else a name of a folder that is there; the part beside it: only within one disk is a rename one step
    place = await realpath(out).catch(async () => join(await realpath(dirname(out)), basename(out)));
    part = `${place}.part-${randomUUID()}`;
    await mkdir(part);
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw invalid(out, 'a folder that can be made', foundInstead(error), error);
  }
  const handles = new Set<FileHandle>();
  const written = async <T>(name: string, work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw invalid(`${name} in ${out}`, 'a place that can be written', foundInstead(error), error);
    }
  };
  const create = async (name: string): Promise<ModelFileWriter> => {
    const handle = await written(name, open(join(part, name), 'wx'));
    handles.add(handle);
    const hash = createHash('sha256');
    let at = 0;
    return {
      get at() {
        return at;
      },
      async write(bytes) {
        hash.update(bytes);
        for (let done = 0; done < bytes.length; )
          done += (await written(name, handle.write(bytes, done, bytes.length - done))).bytesWritten;
        at += bytes.length;
      },
      async end() {
        await written(name, handle.sync());
        await written(name, handle.close());
        handles.delete(handle);
        return { name, bytes: at, sha256: toHex(hash.digest()) };
      },
    };
  };
  try {
    const model = await fill(create, part);
    // nothing is written that could not be opened again
    parseModelDescription(JSON.parse(canonicalJson(model)), MODEL_FILE);
    const file = await create(MODEL_FILE);
    await file.write(utf8(`${canonicalJson(model)}\n`));
    await file.end();
    await syncFolder(part);
    await rename(part, place).catch((error: unknown) => {
      throw invalid(out, 'a folder that is empty or not there', foundInstead(error), error);
    });
    await syncFolder(dirname(place));
    return model;
  } catch (error) {
    // the first error is what went wrong
    for (const handle of handles) await handle.close().catch(() => {});
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}

/** Names in it are on disk when it resolves, as far as this system can say so of a folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
