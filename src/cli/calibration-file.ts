// Owns: a calibration as a file: its form, who signed it. Does not own: measuring, what is advised (verification).
import { z } from 'zod';
import { fromAddress, readyKeys, verifySignature } from '../keys/index.js';
import type { Keypair } from '../keys/keypair.js';
import { concat, fromHex, toHex, utf8 } from '../model/bytes.js';
import { canonicalJson } from '../model/canonical-json.js';
import { UNITS } from '../verification/calibration/figures.js';
import { readInputJson } from './input-text.js';
import { invalid } from './invalid-input.js';

/** What is signed begins with it: a signature of another kind is none of these. */
const TAG = utf8('assay/1/calibration');
const VERSION = 2;
const MAX_BYTES = 1 << 20;

/** Beyond it nothing that a machine does is counted in any of the units. */
const MOST = 1e21;
const amount = z.number().min(0).max(MOST);
const text = z.string().max(512);
const count = z.number().int().min(0);
const key = z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,63}$/);

const figure = z
  .strictObject({
    name: z.string().min(1).max(64),
    unit: z.enum(UNITS),
    median: amount,
    min: amount,
    max: amount,
    peak: z.strictObject({ value: amount, of: text }).optional(),
    parameter: z.strictObject({ name: key, set: amount, here: amount }).optional(),
  })
  .refine(({ median, min, max }) => min <= median && median <= max, 'expected min <= median <= max');

const calibrationSchema = z.strictObject({
  version: z.literal(VERSION),
  /** ISO 8601, UTC */
  measuredAt: z.iso.datetime(),
  host: z.strictObject({
    cpu: text,
    cores: z.number().int().min(1).max(65_536),
    memoryBytes: count,
    node: text,
    /** what was measured: `cpu-onnx`, `host-threads`, `disk-file`, `tcp` */
    device: text,
    threads: z.number().int().min(1).max(65_536),
    /** false: no card had a part in it, whatever the class is for */
    gpu: z.boolean(),
  }),
  kind: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  class: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  /** lower-case hex; absent where n was given by itself */
  paramsId: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  runs: z.number().int().min(1).max(100),
  figures: z.array(figure).min(1).max(32),
  advice: z.array(z.strictObject({ parameter: key, from: amount, to: amount, why: text })).max(16),
  notes: z.array(text).max(32),
});
export type Calibration = z.infer<typeof calibrationSchema>;

const signedSchema = z.strictObject({
  calibration: calibrationSchema,
  hotkey: z.string().max(64).refine(isAddress, 'expected an SS58 address'),
  /** sr25519, 0x and 64 bytes in hex */
  signature: z.string().regex(/^0x[0-9a-f]{128}$/, 'expected 0x and 128 lower-case hex digits'),
});
export type SignedCalibration = z.infer<typeof signedSchema>;

function isAddress(text: string): boolean {
  try {
    return fromAddress(text).length === 32;
  } catch {
    return false;
  }
}

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
  const value = await readInputJson(path, { maxBytes: MAX_BYTES });
  const version = versionOf(value);
  // of another version every key could be wrong: that it is another one is what to say
  if (version !== undefined && version !== VERSION)
    throw invalid(
      `${path}: calibration.version`,
      `${VERSION}, which this build writes and reads`,
      JSON.stringify(version).slice(0, 60),
    );
  const parsed = signedSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue!.path.map(String).join('.') || 'the file';
  throw invalid(`${path}: ${where}`, 'what `assay verification calibrate --out` writes', issue!.message);
}

function versionOf(value: unknown): unknown {
  const calibration = (value as { calibration?: unknown } | null)?.calibration;
  return (calibration as { version?: unknown } | null | undefined)?.version;
}

export async function isSignedByItsHotkey({
  calibration,
  hotkey,
  signature,
}: SignedCalibration): Promise<boolean> {
  await readyKeys();
  return verifySignature(fromHex(signature), signedBytes(calibration), fromAddress(hotkey));
}
