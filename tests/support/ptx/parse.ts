// Owns: the text of a PTX module as entries and instructions. Does not own: what instructions do (instructions.ts).

export interface Instruction {
  /** predicate register, and whether it must be false */
  readonly guard?: { readonly register: string; readonly negated: boolean };
  readonly opcode: string;
  readonly operands: readonly Operand[];
  /** of the file, for errors */
  readonly line: number;
}

export type Operand =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'address'; readonly base: string; readonly offset: number }
  /** a box of a tensor: its description and coordinates */
  | { readonly kind: 'tensor'; readonly base: string; readonly names: readonly string[] }
  | { readonly kind: 'vector'; readonly names: readonly string[] };

export interface Entry {
  readonly name: string;
  /** bytes of each parameter, in order */
  readonly params: readonly { readonly name: string; readonly bytes: number }[];
  readonly maxThreads: number;
  /** blocks that run together */
  readonly cluster: number;
  /** how many registers of each prefix, e.g. `%rd`, and the type of each */
  readonly registers: readonly { readonly prefix: string; readonly type: string; readonly count: number }[];
  /** registers with a name and their type, of inner scopes; one name has one type */
  readonly named: ReadonlyMap<string, string>;
  readonly shared: readonly SharedVariable[];
  readonly code: readonly Instruction[];
  /** label to index into `code` */
  readonly labels: ReadonlyMap<string, number>;
}

export interface SharedVariable {
  readonly name: string;
  readonly align: number;
  /** 0: as much as the launch gives */
  readonly bytes: number;
}

export interface Module {
  readonly version: string;
  readonly target: string;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** Reads what clang writes, line by line; a line of any other form is an error. */
export function parsePtx(text: string): Module {
  const entries = new Map<string, Entry>();
  const external: SharedVariable[] = [];
  let version = '';
  let target = '';
  let open: ReturnType<typeof beginEntry> | undefined;
  let depth = 0;
  for (const [index, whole] of text.split('\n').entries()) {
    const line = whole.replace(/\/\/.*$/, '').trim();
    if (line === '') continue;
    const fail = (): never => {
      throw new Error(`ptx line ${index + 1}: not understood: ${line}`);
    };
    const match = (pattern: RegExp): RegExpExecArray | undefined => pattern.exec(line) ?? undefined;
    if (!open) {
      const head = match(/^\.(version|target|address_size) (\S+)$/);
      const shared = match(/^\.extern \.shared \.align (\d+) \.b8 (\w+)\[\];$/);
      const entry = match(/^\.visible \.entry (\w+)\($/);
      if (head?.[1] === 'version') version = head[2];
      else if (head?.[1] === 'target') target = head[2];
      else if (head) head[2] === '64' || fail();
      else if (shared) external.push({ name: shared[2], align: Number(shared[1]), bytes: 0 });
      else if (entry) open = beginEntry(entry[1]);
      else fail();
      continue;
    }
    if (!open.body) {
      const param = match(/^\.param \.u(32|64) (\w+),?$/);
      const bytes = match(/^\.param \.align 64 \.b8 (\w+)\[(\d+)\],?$/);
      const cluster = match(/^\.reqnctapercluster (\d+), 1, 1$/);
      const threads = match(/^\.maxntid (\d+), 1, 1$/);
      if (param) open.params.push({ name: param[2], bytes: Number(param[1]) / 8 });
      else if (bytes) open.params.push({ name: bytes[1], bytes: Number(bytes[2]) });
      else if (cluster) open.cluster = Number(cluster[1]);
      else if (threads) open.maxThreads = Number(threads[1]);
      else if (line === '{') open.body = true;
      else line === ')' || line === '.explicitcluster' || match(/^\.minnctapersm \d+$/) || fail();
      continue;
    }
    const named = match(/^\.reg \.(pred|b32|b64) (\w+);$/);
    const registers = match(/^\.reg \.(pred|b16|b32|f32|b64)\s+(%[a-z]+)<(\d+)>;$/);
    const shared = match(/^\.shared \.align (\d+) \.b8 (\w+)\[(\d+)\];$/);
    const label = match(/^(\$\w+):$/);
    const instruction = match(/^(?:@(!?)(%?\w+)\s+)?([a-z][\w.:]*)(?:\s+(.*))?;$/);
    if (registers)
      open.registers.push({ type: registers[1], prefix: registers[2], count: Number(registers[3]) });
    else if (shared)
      open.shared.push({ name: shared[2], align: Number(shared[1]), bytes: Number(shared[3]) });
    else if (named) {
      const [, type, name] = named;
      if ((open.named.get(name) ?? type) !== type) fail();
      open.named.set(name, type);
    } else if (line === '{') depth++;
    else if (line === '}' && depth > 0) depth--;
    else if (line === '.pragma "nounroll";') continue;
    else if (label) open.labels.set(label[1], open.code.length);
    else if (line === '}') {
      const { body: _, ...entry } = open;
      entries.set(entry.name, { ...entry, shared: [...external, ...entry.shared] });
      open = undefined;
    } else if (instruction) {
      const [, negated, register, opcode, operands] = instruction;
      open.code.push({
        ...(register ? { guard: { register, negated: negated === '!' } } : {}),
        opcode,
        operands: operands === undefined ? [] : parseOperands(operands, fail),
        line: index + 1,
      });
    } else fail();
  }
  if (open) throw new Error(`ptx: entry ${open.name} does not end`);
  return { version, target, entries };
}

function beginEntry(name: string) {
  return {
    name,
    body: false,
    params: [] as { name: string; bytes: number }[],
    maxThreads: 0,
    cluster: 1,
    named: new Map<string, string>(),
    registers: [] as { prefix: string; type: string; count: number }[],
    shared: [] as SharedVariable[],
    code: [] as Instruction[],
    labels: new Map<string, number>(),
  };
}

const NUMBER = /^-?\d+$|^0x[0-9a-f]+$/i;
const NAME = /^[%$\w.]+$/;

function parseOperands(text: string, fail: () => never): Operand[] {
  return (text.match(/\{[^}]*\}|\[[^\]]*\]|[^,\s]+/g) ?? []).map((part) => {
    if (part.startsWith('{')) return { kind: 'vector', names: part.slice(1, -1).split(/\s*,\s*/) };
    if (part.startsWith('[') && part.includes('{')) {
      const [, base, names] = /^\[([%\w]+), \{([^}]*)\}\]$/.exec(part) ?? fail();
      return { kind: 'tensor', base, names: names.split(/\s*,\s*/) };
    }
    if (part.startsWith('[')) {
      const [, base, offset] = /^\[([%\w]+)(?:\+(-?\d+))?\]$/.exec(part) ?? fail();
      return { kind: 'address', base, offset: Number(offset ?? 0) };
    }
    // a single of eight digits: its bits
    if (/^0f[0-9a-f]{8}$/i.test(part)) return { kind: 'number', value: BigInt(`0x${part.slice(2)}`) };
    if (NUMBER.test(part))
      return { kind: 'number', value: part.startsWith('-') ? -BigInt(part.slice(1)) : BigInt(part) };
    return NAME.test(part) ? { kind: 'name', name: part } : fail();
  });
}
