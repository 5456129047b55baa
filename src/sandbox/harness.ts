// Owns: the scripts that run inside the shut-in process, as text: there are no files in there. Does not own: what shuts it in.

/**
 * Reads {program, outputChars} from descriptor 0, writes R once it is about to run it, then V and the value, T (threw) or
 * L (value too long). Whatever a program writes there by itself is only a wrong value: nothing it should not have comes near it.
 */
export const HARNESS = `'use strict';
const { readSync, writeSync } = require('node:fs');
const vm = require('node:vm');
const chunks = [];
for (;;) {
  const chunk = Buffer.alloc(65536);
  const n = readSync(0, chunk);
  if (n === 0) break;
  chunks.push(chunk.subarray(0, n));
}
const { program, outputChars } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
const realm = vm.createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } });
vm.runInContext(
  'for (const name of ["Atomics","Date","FinalizationRegistry","Intl","SharedArrayBuffer","WeakRef","WebAssembly","console"])' +
    ' delete globalThis[name]; delete Math.random;',
  realm,
);
writeSync(1, 'R');
let value;
try {
  value = vm.runInContext(program, realm);
} catch {}
const text = typeof value !== 'string' ? 'T' : value.length > outputChars ? 'L' : 'V' + value;
const bytes = Buffer.from(text);
for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
process.exit(0);
`;

/**
 * What a program could reach that broke out of the realm and of Node's own permissions: tried by ours before any of theirs runs.
 * Answers with what it found, as JSON. Its one argument is a port on which somebody outside listens.
 */
export const CANARY = `'use strict';
const { readdirSync, writeFileSync, writeSync } = require('node:fs');
const { networkInterfaces } = require('node:os');
const { connect, createServer } = require('node:net');
const tried = (what) => {
  try {
    return what() ?? 'could';
  } catch {
    return 'denied';
  }
};
const found = {
  root: readdirSync('/').sort(),
  bin: readdirSync('/bin').sort(),
  write: ['/x', '/bin/x', '/lib/x', '/usr/lib/x'].map((path) => tried(() => writeFileSync(path, ''))),
  addresses: Object.keys(networkInterfaces()).length,
  pid: process.pid,
};
// a port below 1024 in a network of one's own is the right of whoever kept a capability
const askRights = (next) => {
  const server = createServer();
  server.on('error', () => next('denied')).on('listening', () => next('could')).listen(1, '0.0.0.0');
};
const askNetwork = (next) => {
  const socket = connect(Number(process.argv[1]), '127.0.0.1');
  socket.on('connect', () => next('could')).on('error', () => next('denied'));
};
askRights((rights) =>
  askNetwork((network) => {
    writeSync(1, JSON.stringify({ ...found, rights, network }));
    process.exit(0);
  }),
);
`;
