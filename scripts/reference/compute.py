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


def decode(params, transcript):
    """The three messages, or Malformed. Lengths come first: nothing longer than any honest answer is read."""
    n, k, capacity = params["n"], params["samples"], params["labels"]
    path = 32 * (exponent(n) + exponent(capacity))
    longest = {"commit": 48, "request": 32 * k, "opening": k * (6 * n + 4 * path + 45) + 102}
    if len(transcript["commits"]) != 1:
        raise Malformed
    given = {"commit": transcript["commits"][0], "request": transcript["request"], "opening": transcript["opening"]}
    if any(len(given[name]) > most for name, most in longest.items()):
        raise Malformed
    commit = message(given["commit"], COMMIT)
    if not 1 <= commit["labels"] <= capacity or len(commit["root"]) != 32:
        raise Malformed
    samples = message(given["request"], REQUEST)["samples"]
    if len(samples) != k:
        raise Malformed
    for s in samples:
        if not 1 <= s["label"] <= commit["labels"] or s["row"] >= n or s["agreement_row"] >= n:
            raise Malformed
    opening = message(given["opening"], OPENING)
    if any(len(opening[name]) != 32 for name in ("row_root", "column_root", "request_digest")):
        raise Malformed
    return commit, samples, opening


def verify(params, transcript):
    n, capacity = params["n"], params["labels"]
    seed, basis = transcript["seed"], transcript["basis"]
    try:
        commit, samples, opening = decode(params, transcript)
    except Malformed:
        return "rejected:malformed"
    root = H("assay/compute/1/root", seed, u32(commit["labels"]), opening["row_root"], opening["column_root"])
    if root != commit["root"]:
        return "rejected:seed"
    if len(opening["samples"]) != len(samples) or opening["request_digest"] != H(transcript["request"]):
        return "rejected:malformed"

    edges = [0] + [back_edge(seed, j) for j in range(1, capacity + 1)]
    referenced = sorted(set(edges) - {0})
    in_rows = 32 * (exponent(n) + exponent(capacity))
    in_columns = 32 * (exponent(n) + exponent(len(referenced)))
    for s, o in zip(samples, opening["samples"]):
        previous, back = s["label"] > 1, edges[s["label"]] > 0
        lengths = [previous * n, back * n, back * n, 3 * n, previous * in_rows, back * in_columns, back * in_rows, in_rows]
        if [len(o[name]) for name, _ in OPENED.values()] != lengths:
            return "rejected:malformed"

    origin = Stream(H("assay/compute/1/origin", seed, u32(n)))
    projected = None
    bound = 2**22 if n <= 8192 else 2**23

    def leads(start, index, label_index, path, top):
        inner = 32 * exponent(n)
        return climb(climb(start, index, path[:inner], 4), label_index, path[inner:], 5) == top

    for s, o in zip(samples, opening["samples"]):
        j, i, other = s["label"], s["row"], s["agreement_row"]
        back = edges[j]
        row = o["previous_row"] if j > 1 else origin.bytes(i * n, n)
        column = o["back_column"] if back else b"".join(origin.bytes(k * n + i, 1) for k in range(n))
        row_leaf, column_leaf = leaf(ROW, row), leaf(COLUMN, column)
        if j > 1 and not leads(row_leaf, i, j - 2, o["previous_row_path"], opening["row_root"]):
            return "rejected:path"
        if back:
            if not leads(column_leaf, i, referenced.index(back), o["back_column_path"], opening["column_root"]):
                return "rejected:path"
            if not leads(leaf(ROW, o["agreement_row"]), other, back - 1, o["agreement_row_path"], opening["row_root"]):
                return "rejected:path"
        c = [int.from_bytes(o["accumulator"][k : k + 3], "little", signed=True) for k in range(0, 3 * n, 3)]
        if any(abs(x) >= bound for x in c):
            return "rejected:range"
        x = words(H("assay/compute/x", seed, u32(j), u32(i), row_leaf, column_leaf))[0] | 1
        tweak = [(x * word % 2**32) >> 24 for word in words(Stream(H("assay/compute/1/y", seed, u32(j))).bytes(0, 4 * n))]
        a = [signed((p + q + z) % 256) for p, q, z in zip(row, column, tweak)]
        projected = projected or project(basis, n, params["projections"])
        for p, r, y in projected:
            if (sum(e * f for e, f in zip(c, r)) - sum(e * f for e, f in zip(a, y))) % p:
                return "rejected:projection"
        label_row = bytes((e ^ e >> 8 ^ e >> 16) & 255 for e in c)
        if not leads(leaf(ROW, label_row), i, j - 1, o["label_row_path"], opening["row_root"]):
            return "rejected:fold"
        if back and o["agreement_row"][i] != column[other]:
            return "rejected:agreement"
    return "accepted"
