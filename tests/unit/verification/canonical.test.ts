import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  ComputeOpeningSchema,
  ComputeSampleOpeningSchema,
} from '../../../src/protocol/gen/assay/v1/proofs/compute_pb.js';
import {
  HostBlockSchema,
  HostLabelOpeningSchema,
  HostMemoryOpeningSchema,
} from '../../../src/protocol/gen/assay/v1/proofs/host_memory_pb.js';
import { StorageOpeningSchema } from '../../../src/protocol/gen/assay/v1/proofs/storage_pb.js';
import { decode } from '../../../src/verification/canonical.js';

const times = <T>(length: number, one: () => T): T[] => Array.from({ length }, one);

/** Canonical spellings of so many parts: messages in a list, messages in messages, bytes in a list. */
const FORMS = {
  messages: (parts: number) => {
    const samples = times(parts, () => create(ComputeSampleOpeningSchema));
    const bytes = toBinary(ComputeOpeningSchema, create(ComputeOpeningSchema, { samples }));
    return decode(ComputeOpeningSchema, bytes, bytes.length);
  },
  nested: (parts: number) => {
    const parents = times(parts - 1, () => create(HostBlockSchema));
    const labels = [create(HostLabelOpeningSchema, { parents })];
    const bytes = toBinary(HostMemoryOpeningSchema, create(HostMemoryOpeningSchema, { labels }));
    return decode(HostMemoryOpeningSchema, bytes, bytes.length);
  },
  bytes: (parts: number) => {
    const encodingPaths = times(parts, () => new Uint8Array(0));
    const bytes = toBinary(StorageOpeningSchema, create(StorageOpeningSchema, { encodingPaths }));
    return decode(StorageOpeningSchema, bytes, bytes.length);
  },
};

// two bytes each on the wire, a thousand once parsed: a limit full of them is more than any thread's heap
test.each(Object.entries(FORMS))('an opening of ever more empty %s is none', (_, decoded) => {
  expect(decoded(16_384)).toBeDefined();
  expect(decoded(16_385)).toBeUndefined();
});
