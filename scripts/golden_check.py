#!/usr/bin/env python3
"""
The prover's operations, written a second time from docs/proofs/compute.md and kernels.md: the standard library, no code of src/.

Usage: scripts/golden_check.py [FILE]     FILE is tests/vectors/compute/labels.json unless named
Computes every value in the file again. Prints one line for each that differs; the last line counts. Exit code 1 when any does.
"""
import hashlib
import json
import os
import sys

sys.dont_write_bytecode = True  # modules lie among sources
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "reference"))
from basics import H, Stream, exponent, u32, words  # noqa: E402

ROW, COLUMN, CHUNK, NODE, TOP, DIGEST_LEAF = 1, 2, 3, 4, 5, 16
ZERO = bytes(32)
checked, wrong = 0, 0


def expect(name, got, wanted):
    global checked, wrong
    checked += 1
    if got != wanted:
        wrong += 1
        print("%s: %s, not %s" % (name, got, wanted))


def sha(data):
    return hashlib.sha256(data).hexdigest()


def leaf(tag, data):
    if len(data) <= 1024:
        return H(bytes([tag]), data)
    return H(bytes([tag]), *[H(bytes([CHUNK]), data[i : i + 1024]) for i in range(0, len(data), 1024)])


def tree(leaves, tag):
    """Levels from the leaves, padded to a power of two, to the root."""
    levels = [leaves + [ZERO] * ((1 << exponent(len(leaves))) - len(leaves))]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([H(bytes([tag]), below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return levels


def path(levels, index):
    return b"".join(level[(index >> depth) ^ 1] for depth, level in enumerate(levels[:-1]))


def signed(byte):
    return byte - 256 if byte > 127 else byte


def fold(c):
    return (c ^ (c >> 8) ^ (c >> 16)) & 255


def join(row, column, x, y):
    return bytes((r + c + ((x * w & 0xFFFFFFFF) >> 24)) & 255 for r, c, w in zip(row, column, y))


def key_columns(kappa):
    raw = Stream(kappa).bytes(0, 4 * 4096)
    return [[(byte & 127) - 64 for byte in raw[c * 4096 : (c + 1) * 4096]] for c in range(4)]


def digest(block, keys):
    values = [signed(byte) for byte in block]
    return b"".join(sum(v * k for v, k in zip(values, column)).to_bytes(4, "little", signed=True) for column in keys)


def back_edge(seed, label):
    bound = max(0, label - 4) + 1
    if bound == 1:
        return 0
    limit = (1 << 32) - (1 << 32) % bound
    attempt = 0
    while True:
        for word in words(H("assay/compute/1/edge", seed, u32(label), u32(attempt))):
            if word < limit:
                return word % bound
        attempt += 1


class Chain:
    def __init__(self, basis, seed, n, capacity):
        self.n, self.capacity, self.seed = n, capacity, seed
        raw = Stream(H("assay/compute/1/operand", basis, u32(n))).bytes(0, n * n)
        self.b = [[(byte & 127) - 64 for byte in raw[i * n : (i + 1) * n]] for i in range(n)]
        zero = Stream(H("assay/compute/1/origin", seed, u32(n))).bytes(0, n * n)
        self.labels = [[zero[i * n : (i + 1) * n] for i in range(n)]]
        self.back = [None] + [back_edge(seed, label) for label in range(1, capacity + 1)]
        self.products = [None]
        self.y = [None]
        columns_of_b = list(zip(*self.b))
        for label in range(1, capacity + 1):
            before, behind = self.labels[label - 1], self.columns(self.back[label])
            y = words(Stream(H("assay/compute/1/y", seed, u32(label))).bytes(0, 4 * n))
            product = []
            for i in range(n):
                tail = leaf(ROW, before[i]) + leaf(COLUMN, behind[i])
                x = words(H("assay/compute/x", seed, u32(label), u32(i), tail))[0] | 1
                a = [signed(byte) for byte in join(before[i], behind[i], x, y)]
                product.append([sum(p * q for p, q in zip(a, column)) for column in columns_of_b])
            self.y.append(y)
            self.products.append(product)
            self.labels.append([bytes(fold(c) for c in row) for row in product])
        self.referenced = sorted({edge for edge in self.back[1:] if edge > 0})
        self.row_trees = [None] + [tree([leaf(ROW, row) for row in label], NODE) for label in self.labels[1:]]
        self.column_trees = {q: tree([leaf(COLUMN, c) for c in self.columns(q)], NODE) for q in self.referenced}

    def columns(self, label):
        return [bytes(column) for column in zip(*self.labels[label])]

    def tops(self, count):
        rows = [self.row_trees[j][-1][0] if j <= count else ZERO for j in range(1, self.capacity + 1)]
        columns = [self.column_trees[q][-1][0] if q <= count else ZERO for q in self.referenced]
        return tree(rows, TOP), tree(columns or [ZERO], TOP)

    def blocks(self, count):
        data = b"".join(b"".join(label) for label in self.labels[1 : count + 1])
        return [data[i : i + 4096] for i in range(0, len(data), 4096)]


def check_chain(case):
    n, capacity = case["n"], case["capacity"]
    name = "n=%d " % n
    chain = Chain(bytes.fromhex(case["basis"]), bytes.fromhex(case["seed"]), n, capacity)
    expect(name + "operand", sha(b"".join(bytes(v & 255 for v in row) for row in chain.b)), case["operand"])
    expect(name + "label 0", sha(b"".join(chain.labels[0])), case["labelZero"])
    expect(name + "back edges", chain.back[1:], case["backEdges"])
    for j in range(1, capacity + 1):
        expect(name + "y of label %d" % j, sha(b"".join(map(u32, chain.y[j]))), case["tweakColumns"][j - 1])
        product = b"".join(c.to_bytes(4, "little", signed=True) for row in chain.products[j] for c in row)
        expect(name + "product %d" % j, sha(product), case["products"][j - 1])
        expect(name + "label %d" % j, sha(b"".join(chain.labels[j])), case["labels"][j - 1])
    for roots in case["roots"]:
        count = roots["count"]
        row_top, column_top = chain.tops(count)
        row_root, column_root = row_top[-1][0], column_top[-1][0]
        committed = H("assay/compute/1/root", chain.seed, u32(count), row_root, column_root)
        expect(name + "row root over %d" % count, row_root.hex(), roots["rowRoot"])
        expect(name + "column root over %d" % count, column_root.hex(), roots["columnRoot"])
        expect(name + "committed root over %d" % count, committed.hex(), roots["committed"])
    opened = case["rowPath"]
    up = path(chain.row_trees[opened["label"]], opened["index"])
    up += path(chain.tops(opened["count"])[0], opened["label"] - 1)
    expect(name + "row path", up.hex(), opened["path"])
    opened = case["columnPath"]
    up = path(chain.column_trees[opened["label"]], opened["index"])
    up += path(chain.tops(opened["count"])[1], chain.referenced.index(opened["label"]))
    expect(name + "column path", up.hex(), opened["path"])
    if "pass" in case:
        keyed = case["pass"]
        keys = key_columns(bytes.fromhex(keyed["key"]))
        digests = b"".join(digest(block, keys) for block in chain.blocks(keyed["count"]))
        leaves = [digests[i : i + 4096].ljust(4096, b"\0") for i in range(0, len(digests), 4096)]
        hashes = b"".join(H(bytes([DIGEST_LEAF]), one) for one in leaves)
        expect(name + "leaves of a pass", hashes.hex(), keyed["leaves"])
        expect(name + "first leaf of a pass", sha(leaves[0]), keyed["firstLeaf"])


def main(file):
    with open(file, encoding="utf-8") as text:
        given = json.load(text)
    expect("fold", bytes(fold(c) for c in given["fold"]["accumulators"]).hex(), given["fold"]["bytes"])
    case = given["join"]
    joined = join(bytes.fromhex(case["row"]), bytes.fromhex(case["column"]), case["x"], case["y"])
    expect("join", joined.hex(), case["bytes"])
    for case in given["leaves"]:
        data = bytes(7 * k & 255 for k in range(case["n"]))
        expect("row leaf of %d bytes" % case["n"], leaf(ROW, data).hex(), case["row"])
        expect("column leaf of %d bytes" % case["n"], leaf(COLUMN, data).hex(), case["column"])
    case = given["digests"]
    keys = key_columns(bytes.fromhex(case["kappa"]))
    expect("key of a pass", sha(bytes(k & 255 for column in keys for k in column)), case["key"])
    for name, byte in (("lowest", 128), ("highest", 127), ("minusOne", 255)):
        expect("digest of %s" % name, digest(bytes([byte]) * 4096, keys).hex(), case[name])
    for case in given["chains"]:
        check_chain(case)
    print("%d values, %d differ" % (checked, wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__.strip())
        sys.exit(0 if len(sys.argv) == 2 else 2)
    sys.exit(main(sys.argv[1] if len(sys.argv) == 2 else os.path.join(HERE, "../tests/vectors/compute/labels.json")))
