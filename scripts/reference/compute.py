# Owns: the verdict on a transcript of `compute`, from docs/proofs/compute.md alone. No thought for speed.
import secrets

from basics import H, Malformed, Stream, climb, exponent, message, u32, words

PRIMES = [2**26 - 5, 2**26 - 27, 2**26 - 45]
ROW, COLUMN, CHUNK, NODE, TOP = (bytes([tag]) for tag in (1, 2, 3, 4, 5))

COMMIT = {1: ("labels", "uint"), 2: ("root", "bytes")}
SAMPLE = {1: ("label", "uint"), 2: ("row", "uint"), 3: ("agreement_row", "uint")}
REQUEST = {1: ("samples", SAMPLE)}
OPENED = {
    1: ("previous_row", "bytes"),
    2: ("back_column", "bytes"),
    3: ("agreement_row", "bytes"),
    4: ("accumulator", "bytes"),
    5: ("previous_row_path", "bytes"),
    6: ("back_column_path", "bytes"),
    7: ("agreement_row_path", "bytes"),
    8: ("label_row_path", "bytes"),
}
OPENING = {
    1: ("row_root", "bytes"),
    2: ("column_root", "bytes"),
    3: ("request_digest", "bytes"),
    4: ("samples", OPENED),
}


def back_edge(seed, j):
    bound = max(0, j - 4) + 1
    attempt = 0
    while bound > 1:
        for word in words(H("assay/compute/1/edge", seed, u32(j), u32(attempt))):
            if word < 2**32 // bound * bound:
                return word % bound
        attempt += 1
    return 0


def leaf(tag, data):
    if len(data) <= 1024:
        return H(tag, data)
    return H(tag, *(H(CHUNK, data[i : i + 1024]) for i in range(0, len(data), 1024)))


def signed(byte):
    return byte - 256 if byte > 127 else byte


def project(basis, n, t):
    """For each u: p_u, r_u (drawn afresh and told to nobody), y_u = B r_u mod p_u."""
    operand = Stream(H("assay/compute/1/operand", basis, u32(n)))
    primes = PRIMES[:t]
    r = [[secrets.randbelow(p) for _ in range(n)] for p in primes]
    y = [[] for _ in primes]
    for i in range(n):
        row = [byte % 128 - 64 for byte in operand.bytes(i * n, n)]
        for u, p in enumerate(primes):
            y[u].append(sum(b * x for b, x in zip(row, r[u])) % p)
    return list(zip(primes, r, y))


def sample_bytes(n, capacity):
    """The longest that one opened sample can be."""
    return 6 * n + 128 * (exponent(n) + exponent(capacity)) + 45


def decode_commit(params, data):
    if len(data) > 48:
        raise Malformed
    commit = message(data, COMMIT)
    if not 1 <= commit["labels"] <= params["labels"] or len(commit["root"]) != 32:
        raise Malformed
    return commit


def is_sample(n, sample, first, last):
    return first <= sample["label"] <= last and sample["row"] < n and sample["agreement_row"] < n


def committed_root(seed, labels, row_root, column_root):
    return H("assay/compute/1/root", seed, u32(labels), row_root, column_root)


class Labels:
    """Samples of one chain, as they are opened."""

    def __init__(self, params, basis, seed):
        self.n, self.capacity, self.t = params["n"], params["labels"], params["projections"]
        self.basis, self.seed, self.projected = basis, seed, None
        self.edges = [0] + [back_edge(seed, j) for j in range(1, self.capacity + 1)]
        self.referenced = sorted(set(self.edges) - {0})
        self.origin = Stream(H("assay/compute/1/origin", seed, u32(self.n)))

    def has_lengths(self, sample, opened):
        n = self.n
        in_rows = 32 * (exponent(n) + exponent(self.capacity))
        in_columns = 32 * (exponent(n) + exponent(len(self.referenced)))
        row, back = sample["label"] > 1, self.edges[sample["label"]] > 0
        lengths = [row * n, back * n, back * n, 3 * n, row * in_rows, back * in_columns, back * in_rows, in_rows]
        return [len(opened[name]) for name, _ in OPENED.values()] == lengths

    def leads(self, start, index, label_index, path, top):
        inner = 32 * exponent(self.n)
        return climb(climb(start, index, path[:inner], 4), label_index, path[inner:], 5) == top

    def problem(self, sample, o, row_root, column_root):
        """Why the sample is rejected; None where it holds."""
        n, seed, origin = self.n, self.seed, self.origin
        j, i, other = sample["label"], sample["row"], sample["agreement_row"]
        back = self.edges[j]
        row = o["previous_row"] if j > 1 else origin.bytes(i * n, n)
        column = o["back_column"] if back else b"".join(origin.bytes(k * n + i, 1) for k in range(n))
        row_leaf, column_leaf = leaf(ROW, row), leaf(COLUMN, column)
        if j > 1 and not self.leads(row_leaf, i, j - 2, o["previous_row_path"], row_root):
            return "path"
        if back:
            if not self.leads(column_leaf, i, self.referenced.index(back), o["back_column_path"], column_root):
                return "path"
            if not self.leads(leaf(ROW, o["agreement_row"]), other, back - 1, o["agreement_row_path"], row_root):
                return "path"
        c = [int.from_bytes(o["accumulator"][k : k + 3], "little", signed=True) for k in range(0, 3 * n, 3)]
        if any(abs(x) >= (2**22 if n <= 8192 else 2**23) for x in c):
            return "range"
        x = words(H("assay/compute/x", seed, u32(j), u32(i), row_leaf, column_leaf))[0] | 1
        y = words(Stream(H("assay/compute/1/y", seed, u32(j))).bytes(0, 4 * n))
        a = [signed((p + q + (x * word % 2**32 >> 24)) % 256) for p, q, word in zip(row, column, y)]
        self.projected = self.projected or project(self.basis, n, self.t)
        for p, r_u, y_u in self.projected:
            if (sum(e * f for e, f in zip(c, r_u)) - sum(e * f for e, f in zip(a, y_u))) % p:
                return "projection"
        label_row = bytes((e ^ e >> 8 ^ e >> 16) & 255 for e in c)
        if not self.leads(leaf(ROW, label_row), i, j - 1, o["label_row_path"], row_root):
            return "fold"
        if back and o["agreement_row"][i] != column[other]:
            return "agreement"
        return None


def decode(params, transcript):
    """The three messages, or Malformed. Lengths come first: nothing longer than any honest answer is read."""
    n, k = params["n"], params["samples"]
    if len(transcript["commits"]) != 1 or len(transcript["request"]) > 32 * k:
        raise Malformed
    if len(transcript["opening"]) > k * sample_bytes(n, params["labels"]) + 102:
        raise Malformed
    commit = decode_commit(params, transcript["commits"][0])
    samples = message(transcript["request"], REQUEST)["samples"]
    if len(samples) != k or not all(is_sample(n, s, 1, commit["labels"]) for s in samples):
        raise Malformed
    opening = message(transcript["opening"], OPENING)
    if any(len(opening[name]) != 32 for name in ("row_root", "column_root", "request_digest")):
        raise Malformed
    return commit, samples, opening


def verify(params, transcript):
    seed = transcript["seed"]
    try:
        commit, samples, opening = decode(params, transcript)
    except Malformed:
        return "rejected:malformed"
    roots = opening["row_root"], opening["column_root"]
    if committed_root(seed, commit["labels"], *roots) != commit["root"]:
        return "rejected:seed"
    if len(opening["samples"]) != len(samples) or opening["request_digest"] != H(transcript["request"]):
        return "rejected:malformed"
    labels = Labels(params, transcript["basis"], seed)
    opened = list(zip(samples, opening["samples"]))
    if not all(labels.has_lengths(*each) for each in opened):
        return "rejected:malformed"
    for each in opened:
        problem = labels.problem(*each, *roots)
        if problem:
            return "rejected:" + problem
    return "accepted"
