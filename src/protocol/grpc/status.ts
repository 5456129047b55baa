// Owns: our status as grpc-js objects. Does not own: what statuses mean (errors.ts).
import { Metadata, type StatusObject } from '@grpc/grpc-js';
import type { AssayError } from '../../model/errors.js';
import { fromStatus, toStatus } from '../errors.js';

export function toGrpcStatus(error: unknown): StatusObject {
  const { code, details, metadata } = toStatus(error);
  const trailing = new Metadata();
  for (const [key, value] of Object.entries(metadata)) trailing.set(key, value);
  return { code, details, metadata: trailing };
}

export function fromGrpcStatus(status: Partial<StatusObject>, address: string, what: string): AssayError {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(status.metadata?.getMap() ?? {}))
    if (typeof value === 'string') metadata[key] = value;
  return fromStatus({ code: status.code ?? 2, details: status.details ?? '', metadata }, address, what);
}
