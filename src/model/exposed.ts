// Owns: whether a secret's file is its reader's alone. Does not own: what is made of it where it is not (keys/key-file.ts,
// cli/host-keys.ts, validator/queue/queue-key.ts).

/**
 * Whether others on this machine can reach a file by its mode. Of one that root put there for a user by an ACL, as systemd does with
 * credentials, the group's bits are the mask of that ACL: to read is no group's right by them.
 */
export function isExposed(
  { mode, uid }: { readonly mode: number; readonly uid: number },
  own = process.getuid?.(),
): boolean {
  if (process.platform === 'win32') return false; // a mode without meaning
  const isHandedDown = uid === 0 && own !== 0;
  return (mode & (isHandedDown ? 0o037 : 0o077)) !== 0;
}
