// Owns: the secret of kinds that need none: all that a verifier draws is in its request. Does not own: real ones.

/** Kinds whose checks compare bytes and project nothing. As silent as a real one, so that no caller can tell. */
export class NoSecret {
  toJSON(): never {
    throw new TypeError('secret: never serialised');
  }
}
