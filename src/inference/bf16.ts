// Owns: bfloat16 to float32 and back, in bulk. Does not own: files of them (safetensors.ts).
// Host order is little-endian wherever Node is built for; buffers are taken as they lie.

/** Exact: every bfloat16 is a float32 whose lower half is zero, NaN payloads included. */
export function toFloat32(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** To the nearest, ties to even; beyond the range infinity; a NaN stays one, with what fits of its payload. */
export function toBfloat16(values: Float32Array): Uint16Array {
  // through the bits: a number in a register may lose the payload of a NaN
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) halves[i] = roundBits(bits[i]!);
  return halves;
}

/** A number as every weight must be that was trained or drawn: what bfloat16 holds of it. */
export function roundToBfloat16(value: number): number {
  one[0] = value;
  oneBits[0] = roundBits(oneBits[0]!) << 16;
  return one[0];
}

const one = new Float32Array(1);
const oneBits = new Uint32Array(one.buffer);

function roundBits(bits: number): number {
  const upper = bits >>> 16;
  if ((bits & 0x7fffffff) > 0x7f800000) return (upper & 0x7f) === 0 ? upper | 0x40 : upper;
  return (bits + 0x7fff + (upper & 1)) >>> 16;
}

/** Bytes as 16-bit words: a view where they lie at an even place, else a copy. */
export function words16(bytes: Uint8Array): Uint16Array {
  if (bytes.length % 2 !== 0) throw new RangeError(`bytes: expected an even number, got ${bytes.length}`);
  const at = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(at.buffer, at.byteOffset, at.length / 2);
}

/** Bytes as float32: a view where they lie at a place divisible by four, else a copy. */
export function floats32(bytes: Uint8Array): Float32Array {
  if (bytes.length % 4 !== 0) throw new RangeError(`bytes: expected a multiple of 4, got ${bytes.length}`);
  const at = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(at.buffer, at.byteOffset, at.length / 4);
}
