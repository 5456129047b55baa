// Owns: bytes that are nearly right: good ones with something of their structure changed. Does not own: who reads them (decoders.ts, ports.ts).
import { concat, utf8 } from '../../src/model/bytes.js';
import type { Random } from '../../src/model/prng.js';
import { encodeFields, type Field, fieldsOf } from '../../src/testing/conformance/protobuf-fields.js';

/** How the bytes of a subject are built: what is changed is a part of that. */
export type Form = 'protobuf' | 'json' | 'lines' | 'bytes';

/** One of the samples, changed in one to four places. */
export function mutated(
  samples: readonly Uint8Array[],
  form: Form,
  random: Random,
  maxBytes: number,
): Uint8Array {
  let bytes = samples[random.below(samples.length)]!;
  for (let times = 1 + random.below(4); times > 0; times--) {
    const change = random.below(4) === 0 ? undefined : CHANGES[form];
    bytes = (change ?? changeBytes)(bytes, random, samples);
  }
  return bytes.length > maxBytes ? bytes.subarray(0, maxBytes) : bytes;
}

type Change = (bytes: Uint8Array, random: Random, samples: readonly Uint8Array[]) => Uint8Array;

const COUNTS = [
  0n,
  1n,
  127n,
  255n,
  2n ** 16n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 64n - 1n,
];
const LENGTHS = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 143, 144, 145, 300, 9000];
const pick = <T>(of: readonly T[], random: Random): T => of[random.below(of.length)]!;

const changeBytes: Change = (bytes, random, samples) => {
  const at = random.below(bytes.length + 1);
  const to = at + random.below(bytes.length - at + 1);
  const [head, cut, tail] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
  switch (random.below(8)) {
    case 0:
      return head;
    case 1:
      return concat(head, tail);
    case 2:
      return concat(head, random.bytes(pick(LENGTHS, random)), bytes.subarray(at));
    case 3:
      return concat(head, cut, cut, tail);
    case 4: {
      const other = pick(samples, random);
      return concat(head, other.subarray(random.below(other.length + 1)));
    }
    case 5: {
      const out = Uint8Array.from(bytes);
      if (out.length >= 4)
        new DataView(out.buffer).setUint32(
          random.below(out.length - 3),
          Number(pick(COUNTS, random) & 0xffff_ffffn),
          random.below(2) === 0,
        );
      return out;
    }
    default: {
      const out = Uint8Array.from(bytes);
      if (out.length > 0) out[random.below(out.length)]! ^= 1 << random.below(8);
      return out;
    }
  }
};

/** A field of the message, or of one within it, as far down as it reads as one. */
const changeFields: Change = (bytes, random, samples) => {
  const fields = fieldsOf(bytes);
  if (!fields || fields.length === 0) return changeBytes(bytes, random, samples);
  const at = random.below(fields.length);
  const { number, value } = fields[at]!;
  const put = (...instead: readonly Field[]) => encodeFields(fields.toSpliced(at, 1, ...instead));
  if (value instanceof Uint8Array && value.length > 0 && random.below(2) === 0)
    return put({ number, value: changeFields(value, random, [value]) });
  switch (random.below(7)) {
    case 0:
      return put();
    case 1:
      return put({ number, value }, { number, value });
    case 2:
      return put({ number: 1 + random.below(40), value });
    case 3:
      return put({ number, value: pick(COUNTS, random) });
    case 4:
      return put({ number, value: random.bytes(pick(LENGTHS, random)) });
    case 5:
      return put(...Array.from({ length: 1 + random.below(300) }, () => ({ number, value })));
    default:
      return encodeFields([fields[at]!, ...fields.toSpliced(at, 1)]);
  }
};

const ODD: readonly unknown[] = [
  ...[
    null,
    true,
    0,
    -1,
    0.5,
    1e308,
    2 ** 53,
    '',
    'x',
    '0x',
    '0',
    'ff'.repeat(32),
    'é\u0000\ud800',
    [],
    {},
    [[]],
  ],
  'y'.repeat(5000),
  Array.from({ length: 300 }, (_, i) => i),
];

/** A value somewhere in it, or what it is called by. */
const changeJson: Change = (bytes, random, samples) => {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return changeBytes(bytes, random, samples);
  }
  return utf8(JSON.stringify(changeValue(value, random)));
};

function changeValue(value: unknown, random: Random): unknown {
  const isBranch = typeof value === 'object' && value !== null;
  const keys = isBranch ? Object.keys(value) : [];
  if (keys.length === 0 || random.below(12) === 0) {
    if (random.below(20) === 0) return deep(value);
    return typeof value === 'string' && random.below(2) === 0 ? changeText(value, random) : pick(ODD, random);
  }
  const key = pick(keys, random);
  const own = (value as Record<string, unknown>)[key];
  if (Array.isArray(value)) {
    const at = Number(key);
    if (random.below(6) === 0) return value.toSpliced(at, 1);
    if (random.below(6) === 0) return [...value, own];
    return value.with(at, changeValue(own, random));
  }
  const { [key]: _, ...rest } = value as Record<string, unknown>;
  const named = (name: string, is: unknown) =>
    // so that a name that means something to the runtime is one of the text's
    JSON.parse(
      `{${[...Object.entries(rest), [name, is] as const].map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)}}`,
    );
  switch (random.below(8)) {
    case 0:
      return rest;
    case 1:
      return named(pick(['__proto__', 'constructor', 'toString', `${key} `, key.toUpperCase()], random), own);
    default:
      return named(key, changeValue(own, random) ?? null);
  }
}

const deep = (value: unknown): unknown => {
  let out = value;
  for (let level = 0; level < 200; level++) out = [out];
  return out;
};

const changeText = (text: string, random: Random): string =>
  Buffer.from(changeBytes(utf8(text), random, [utf8(text)])).toString();

/** Of a text protocol: a line left out, doubled, moved, made long. */
const changeLines: Change = (bytes, random, samples) => {
  const lines = Buffer.from(bytes).toString('latin1').split('\r\n');
  const at = random.below(lines.length);
  const line = lines[at]!;
  const put = (...instead: string[]) =>
    Buffer.from(lines.toSpliced(at, 1, ...instead).join('\r\n'), 'latin1');
  switch (random.below(6)) {
    case 0:
      return put();
    case 1:
      return put(line, line);
    case 2:
      return put(line.repeat(1 + random.below(40)));
    case 3:
      return put(
        `${line.split(':')[0]}: ${pick(['-1', '99999999999', 'chunked', '\u0000', 'x'.repeat(3000)], random)}`,
      );
    case 4:
      return put(
        pick(
          ['Content-Length: 5', 'Transfer-Encoding: chunked', 'Expect: 100-continue', 'Connection: upgrade'],
          random,
        ),
        line,
      );
    default:
      return changeBytes(bytes, random, samples);
  }
};

const CHANGES: Readonly<Record<Form, Change>> = {
  protobuf: changeFields,
  json: changeJson,
  lines: changeLines,
  bytes: changeBytes,
};
