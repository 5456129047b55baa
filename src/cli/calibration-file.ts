// Owns: a calibration as a file: its form, who signed it. Does not own: measuring, what is advised (verification).
import { z } from 'zod';
import { fromAddress, readyKeys, verifySignature } from '../keys/index.js';
import type { Keypair } from '../keys/keypair.js';
import { concat, fromHex, toHex, utf8 } from '../model/bytes.js';
import { canonicalJson } from '../model/canonical-json.js';
import { readInputJson } from './input-text.js';
import { invalid } from './invalid-input.js';

/** What is signed begins with it: a signature of another kind is none of these. */
const TAG = utf8('assay/1/calibration');
const MAX_BYTES = 1 << 20;

const amount = z.number().min(0);
const figure = z.strictObject({ median: amount, min: amount, max: amount });
const text = z.string().max(512);
const count = z.number().int().min(0);

const calibrationSchema = z.strictObject({
  version: z.literal(1),
  /** ISO 8601, UTC */
  measuredAt: z.iso.datetime(),
  host: z.strictObject({
    cpu: text,
    cores: count,
    memoryBytes: count,
    node: text,
    backend: text,
    threads: count,
    /** false: products were made by the CPUs, whatever the class is for */
    gpu: z.boolean(),
  }),
  class: text,
  /** lower-case hex; absent where n was given by itself */
  paramsId: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  n: count,
  windowMs: count,
  runs: count,
  figures: z.strictObject({
    labels: figure,
    productOpsPerS: figure,
    hashBytesPerS: figure,
    labelMs: figure,
    rootsMs: figure,
    labelsInWindow: figure,
    productShare: figure,
    hashShare: figure,
    otherShare: figure,
    passBytesPerS: figure.optional(),
  }),
  advice: z
    .array(
      z.strictObject({
        parameter: z.enum(['nominalLabels', 'labels', 'n']),
        from: count,
        to: count,
        why: text,
      }),
    )
    .max(8),
  notes: z.array(text).max(16),
});
export type Calibration = z.infer<typeof calibrationSchema>;

const signedSchema = z.strictObject({
  calibration: calibrationSchema,
  hotkey: z.string().max(64),
  /** sr25519, 0x and 64 bytes in hex */
  signature: z.string().regex(/^0x[0-9a-f]{128}$/),
});
export type SignedCalibration = z.infer<typeof signedSchema>;

/** The tag, then the calibration's canonical JSON. */
const signedBytes = (calibration: Calibration): Uint8Array => concat(TAG, utf8(canonicalJson(calibration)));

export const signCalibration = (calibration: Calibration, hotkey: Keypair): SignedCalibration => ({
  calibration,
  hotkey: hotkey.address,
  signature: `0x${toHex(hotkey.sign(signedBytes(calibration)))}`,
});

/** One spelling, so that two files of the same measurement are the same file. */
export const calibrationText = (signed: SignedCalibration): string => `${canonicalJson(signed)}\n`;

/** @throws AssayError `invalid-input` naming the first key that is wrong */
export async function readCalibration(path: string): Promise<SignedCalibration> {
  const parsed = signedSchema.safeParse(await readInputJson(path, { maxBytes: MAX_BYTES }));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue!.path.map(String).join('.') || 'the file';
  throw invalid(`${path}: ${where}`, 'what `assay verification calibrate --out` writes', issue!.message);
}

export async function isSignedByItsHotkey({
  calibration,
  hotkey,
  signature,
}: SignedCalibration): Promise<boolean> {
  await readyKeys();
  return verifySignature(fromHex(signature), signedBytes(calibration), fromAddress(hotkey));
}
