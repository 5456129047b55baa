#!/usr/bin/env python3
"""
Confirms tests/vectors/compute/plots.json with the second verifier's plots (scripts/reference/storage.py: RFC 9106 and
docs/proofs/storage.md alone). Prints how many values there are and how many differ; exit code 1 when any does.
"""
import hashlib
import json
import os
import sys

sys.dont_write_bytecode = True  # modules lie among sources
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "reference"))
import storage as s  # noqa: E402
from basics import H, u32  # noqa: E402


def values(case):
    """name -> what the page says it is"""
    place, key = bytes.fromhex(case["place"]), bytes.fromhex(case["key"])
    count, blocks = len(case["sectors"]), case["sectorBlocks"]
    data = [s.argon2d(place, b"assay/s1" + i.to_bytes(8, "little"), blocks, case["passes"]) for i in range(count)]
    roots = [s.leaf_root(case, sector) for sector in data]
    shape = [u32(case[name]) for name in ("sectorBlocks", "passes", "leafBlocks")]
    size, last = 1024 * case["pieceBlocks"], count - 1

    def piece(i, j):
        return H(s.DIGESTED, key, u32(i), u32(j), data[i][j * size : (j + 1) * size])

    parts = blocks // case["pieceBlocks"]
    return {
        "sectors": [hashlib.sha256(sector).digest() for sector in data],
        "tags": [hashlib.blake2b(u32(64) + sector[-1024:]).digest() for sector in data],
        "roots": roots,
        "root": H("assay/storage/1/plot", place, *shape, u32(count), s.tree(roots, s.TOP)),
        "leafDigest": H(s.ANSWERED, key, u32(last), u32(0), data[last][: 1024 * case["leafBlocks"]]),
        "pieceDigest": piece(last, parts - 1),
        "answers": s.tree(roots, s.ANSWER_NODE),
        "range": s.tree([s.tree([piece(i, j) for j in range(parts)], s.PIECE_NODE) for i in range(count)], s.RANGE_TOP),
    }


def main():
    with open(os.path.join(HERE, "../tests/vectors/compute/plots.json"), encoding="utf-8") as file:
        vectors = json.load(file)
    cases = vectors["plots"]
    flat = lambda value: value if isinstance(value, list) else [value]
    pairs = []
    for case in cases:
        for name, made in values(case).items():
            kept = flat(case[name])
            made = [value.hex() for value in flat(made)]
            assert len(kept) == len(made)
            pairs += [("%s of %d blocks" % (name, case["sectorBlocks"]), a == b) for a, b in zip(kept, made)]
    for case in vectors["orders"]:
        made = s.order(bytes.fromhex(case["key"]), case["sectors"], len(case["order"]))
        pairs.append(("order of %d" % case["sectors"], made == case["order"]))
    wrong = [name for name, same in pairs if not same]
    for name in wrong:
        print("differs: %s" % name)
    print("%d values, %d differ" % (len(pairs), len(wrong)))
    return 1 if wrong else 0


sys.exit(main())
