#!/usr/bin/env python3
"""
Records, files and manifests of rollouts, written and read a second time from docs/rollouts/records.md: the standard library, no code
of src/.

Usage: scripts/golden_records.py [--check]
Writes tests/vectors/rollouts-records.json; with --check it compares instead, and exits with 1 when the file differs.
"""
import hashlib
import json
import os
import struct
import sys
import zlib

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "vectors", "rollouts-records.json")
STOPS = ["eos", "cap"]
POLICY = {"maxTokens": 6, "rolloutsPerGroup": 2, "stopIds": [2, 256]}
VOCABULARY = 32000


def u32(n):
    return struct.pack("<I", n)


def lp(x):
    return u32(len(x)) + x


def sha(x):
    return hashlib.sha256(x).digest()


def tagged(what, x):
    return sha(lp(b"assay/rollouts/%s/1" % what) + lp(x))


def record(r):
    head = struct.pack("<IHBI", r["group"], r["index"], STOPS.index(r["stop"]), len(r["tokens"]))
    return head + b"".join(map(u32, r["tokens"]))


def levels(leaves):
    level = list(leaves)
    while len(level) & (len(level) - 1):
        level.append(bytes(32))
    out = [level]
    while len(level) > 1:
        level = [sha(b"\1" + level[i] + level[i + 1]) for i in range(0, len(level), 2)]
        out.append(level)
    return out


def path(tree, place):
    return b"".join(level[(place >> depth) ^ 1] for depth, level in enumerate(tree[:-1]))


def varint(n):
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def bins(columns):
    out = bytes([0x90 | len(columns)])
    for c in columns:
        n = len(c)
        out += struct.pack(">BB", 0xC4, n) if n < 1 << 8 else struct.pack(">BH", 0xC5, n) if n < 1 << 16 else struct.pack(">BI", 0xC6, n)
        out += c
    return out


def columns(rollouts):
    groups = [r["group"] for r in rollouts]
    return [
        [g - p for g, p in zip(groups, [0] + groups)],
        [r["index"] for r in rollouts],
        [STOPS.index(r["stop"]) for r in rollouts],
        [len(r["tokens"]) for r in rollouts],
        [t for r in rollouts for t in r["tokens"]],
    ]


def frame(cols):
    return bins([b"".join(map(varint, c)) for c in cols])


def stored(framed):
    """Not compressed: the same bytes from every zlib."""
    return zlib.compress(framed, 0)


def pack(framed, declared=None, body=None, codec=1):
    body = stored(framed) if body is None else body
    return b"assay/rollouts/file/1" + bytes([codec]) + u32(len(framed) if declared is None else declared) + body


def read(data):
    """The other way round, for files that are known to be good."""
    framed = zlib.decompress(data[26:])
    at, cols = 1, []
    for _ in range(5):
        width = {0xC4: 1, 0xC5: 2, 0xC6: 4}[framed[at]]
        size = int.from_bytes(framed[at + 1 : at + 1 + width], "big")
        at += 1 + width
        column, value, shift = [], 0, 0
        for byte in framed[at : at + size]:
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                column.append(value)
                value, shift = 0, 0
        cols.append(column)
        at += size
    out, group, start = [], 0, 0
    for step, index, stop, length in zip(*cols[:4]):
        group += step
        out.append({"group": group, "index": index, "stop": STOPS[stop], "tokens": cols[4][start : start + length]})
        start += length
    return out


def manifest(m):
    return (
        lp(b"assay/rollouts/manifest/1")
        + bytes.fromhex(m["genesis"])
        + struct.pack("<HI", m["netuid"], m["window"])
        + b"".join(bytes.fromhex(m[k]) for k in ("hotkey", "checkpointDigest", "policyDigest", "profileDigest"))
        + struct.pack("<II", m["groups"], len(m["forfeits"]))
        + b"".join(map(u32, m["forfeits"]))
        + struct.pack("<III", m["rollouts"], m["tokens"], m["fileBytes"])
        + bytes.fromhex(m["fileSha256"] + m["merkleRoot"])
    )


def rollout(group, index, stop, tokens):
    return {"group": group, "index": index, "stop": stop, "tokens": tokens}


ROLLOUTS = [
    rollout(0, 0, "eos", [65, 256]),
    rollout(0, 1, "cap", [1, 127, 128, 16383, 16384, 31999]),
    rollout(2, 0, "eos", [2]),
    rollout(2, 1, "eos", [7, 7, 7, 7, 7, 2]),
    rollout(3, 0, "eos", [300, 301, 256]),
    rollout(3, 1, "cap", [0, 0, 0, 0, 0, 0]),
]
EXTREME = rollout(0xFFFFFFFF, 0xFFFF, "cap", [0xFFFFFFFF])
# the public key of devKeypair("alice") (keys/keypair.ts): its seed is SHA-256 of "assay/dev-key/1alice"
ALICE = "c43afe299d2b1333e9d6f091c4f08802d6a750b1b74ce13480575a54d14c1742"
# the same of devKeypair("bob")
BOB = "8c22f456caf5d72940fc02173898e93d5895269848ee4901fd4008389b14d30d"
# sr25519 draws a nonce: made once by those keys over the bodies of `manifests_of`, in their order
SIGNATURES = [
    "50a5f4eea70a2dcecd8a51f2051401d380760895c4b6134a20bf02c4f20a2d088322c0acbe7661ba7dfac02a31372e8e4462239318afea4817a4cff1bcf56f8f",
    "e45ede1399c9b537b744bc67113f25d71dd0a3fe4a45702014912735b5f1d17469147fcde4eef028ffd8e08ffdccc6f2bb3237240320863ce5702aa6b880b985",
    "fa5ced83886b2eb8153ef216a3411987ef82d1996e3baa9d47f5f99cd3e956518fc8da23697a3b37a0b797f65ac4a92c8dc3e29737797eac22f8020335c87788",
    "4afe27e10b25af72447447ea1dfe91c2dee1110b51efe1e162e3d7e9ff405d396cd66dc55919955423538991f14583e38a75dd4eed00159a361bd22df07d8c83",
    "28e94d5cb473a22d662b158be8b5a8ba7794c2719b239c7142cae6b9a72b3077cb86ef268ffccf5b139eeb32d822c56a33032ec5d696ef85b40fe4ddcb43f588",
    "24a5da9f47a9d81e0f3cbd2defa58683681d6ceea8775fe667efa5b5f0b8113c5904ecd5a510aa0dbd46a37b5b7d289e2da674c7814f1dee815b23d3bc4cc383",
    "ee7c2f44e2287e0692a6da05e92c1455c0da7cc42251befc5135f9a9f4f10c45ec6e3c549b4690abee840913b441b536dc66aeb5e35fa037045319d711e4908c",
]
# by zlib 1.2.13 at level 6
COMPRESSED = "61737361792f726f6c6c6f7574732f66696c652f310145000000789c1dc5e10d00101083d1b692b3874d4ce696b0055b58ca2f9caf495f5f0608c493b12f42192dd92ad5c5e63ccddf6d2a471a9a72e17701b60c0d06"


def manifest_of(rollouts, data, **change):
    m = {
        "genesis": sha(b"genesis").hex(),
        "netuid": 3,
        "window": 41,
        "hotkey": ALICE,
        "checkpointDigest": sha(b"checkpoint").hex(),
        "policyDigest": sha(b"policy").hex(),
        "profileDigest": sha(b"profile").hex(),
        "groups": 4,
        "forfeits": [1],
        "rollouts": len(rollouts),
        "tokens": sum(len(r["tokens"]) for r in rollouts),
        "fileBytes": len(data),
        "fileSha256": sha(data).hex(),
        "merkleRoot": levels([tagged(b"record", record(r)) for r in rollouts])[-1][0].hex(),
    }
    return {**m, **change}


def manifests_of(data):
    """The first two are read; the others are what proofs about the first are made of. The fourth is the first, signed again."""
    second = sha(b"another").hex()
    changes = [
        {},
        {"window": 0xFFFFFFFF, "groups": 3, "forfeits": []},
        {"profileDigest": second},
        {},
        {"profileDigest": second, "genesis": second},
        {"profileDigest": second, "netuid": 4},
        {"profileDigest": second, "hotkey": BOB},
    ]
    return [manifest_of(ROLLOUTS, data, **change) for change in changes]


def refusals():
    """Files whose manifest says the truth about all but what the name says: its counts are those of the good file."""
    cols = columns(ROLLOUTS)
    good = frame(cols)
    body = stored(good)

    def column(which, numbers):
        return pack(frame(cols[:which] + [numbers] + cols[which + 1 :]))

    raw = [b"".join(map(varint, c)) for c in cols]
    yield "a codec that does not exist", "file-header", pack(good, codec=2)
    yield "another tag", "file-header", b"A" + pack(good)[1:]
    yield "a declared length beyond the counts", "file-budget", pack(good, declared=26 + 14 * 6 + 5 * 24 + 1)
    yield "a declared length one too long", "file-stream", pack(good, declared=len(good) + 1)
    yield "a declared length one too short", "file-stream", pack(good, declared=len(good) - 1)
    yield "a byte behind the stream", "file-stream", pack(good, body=body + b"\0")
    yield "a wrong checksum", "file-stream", pack(good, body=body[:-1] + bytes([body[-1] ^ 1]))
    yield "a stream cut off", "file-stream", pack(good, body=body[:-1])
    yield "a byte behind the columns", "file-columns", pack(good + b"\0")
    yield "a length in more bytes than it takes", "file-columns", pack(
        b"\x95\xc5" + struct.pack(">H", len(raw[0])) + raw[0] + bins(raw[1:])[1:]
    )
    yield "a number in more bytes than it takes", "file-columns", pack(bins([b"\x80\0" + raw[0][1:]] + raw[1:]))
    yield "a number of 33 bits", "file-columns", pack(bins(raw[:4] + [b"\xff\xff\xff\xff\x1f" + raw[4][1:]]))
    yield "an index of 17 bits", "file-columns", column(1, [65536] + cols[1][1:])
    yield "a stop that is none", "file-columns", column(2, [2] + cols[2][1:])
    yield "one length more", "file-columns", column(3, cols[3] + [0])
    yield "lengths that add up to more", "file-columns", column(3, [3] + cols[3][1:])
    yield "a length above the maximum", "rollout-too-long", column(3, [1, 7] + cols[3][2:])
    yield "one token more", "file-columns", column(4, cols[4] + [0])
    yield "a rollout twice", "rollout-order", column(1, [0, 0] + cols[1][2:])
    yield "an index left out", "group-incomplete", column(1, [0, 2] + cols[1][2:])
    yield "a group that was given up", "group-forfeited", column(0, [0, 0, 1, 0, 2, 0])
    yield "a group that is not counted", "group-beyond", column(0, [0, 0, 2, 0, 2, 0])
    yield "a group left out", "group-missing", column(0, [0, 0, 3, 0, 0, 0])
    yield "another token", "merkle-root", column(4, [66] + cols[4][1:])


def opening_refusals(tree):
    """Of the good file's second rollout, which is the longest that its policy permits."""
    good = {"place": 1, "record": record(ROLLOUTS[1]), "path": path(tree, 1)}
    longer = record(rollout(0, 1, "cap", [1] * 7))
    cut = good["record"]
    cases = [
        ("as it is", None, {}),
        ("a record of one token too many", "rollout-too-long", {"record": longer}),
        ("a record cut off", "path-malformed", {"record": cut[:-1]}),
        ("no record", "path-malformed", {"record": b""}),
        ("a stop that is none", "path-malformed", {"record": cut[:6] + b"\2" + cut[7:]}),
        ("a count of one token less", "path-malformed", {"record": cut[:7] + u32(5) + cut[11:]}),
        ("a place behind the last rollout", "path-malformed", {"place": 6, "path": path(tree, 6)}),
        ("a path with a sibling too few", "path-malformed", {"path": good["path"][:-32]}),
        ("a path with a sibling too many", "path-malformed", {"path": good["path"] + bytes(32)}),
        ("a path of another place", "path", {"place": 2}),
        ("another sibling", "path", {"path": good["path"][:-1] + bytes([good["path"][-1] ^ 1])}),
        ("another token", "path", {"record": cut[:-4] + u32(7)}),
    ]
    for why, reason, change in cases:
        one = {**good, **change}
        yield {"why": why, "reason": reason, "place": one["place"], "record": one["record"].hex(), "path": one["path"].hex()}


def manifest_refusals(signed):
    """Steps 1 to 3. A reading is what the second manifest was made for, and what a window allows, but for what is changed."""
    good, m = signed[1], manifests_of(pack(frame(columns(ROLLOUTS))))[1]
    head, tail = good[:29], good[29:]
    other = sha(b"other").hex()
    counts = 29 + 32 + 2 + 4 + 4 * 32
    forfeits = lambda *numbers: good[:counts] + u32(3) + u32(len(numbers)) + b"".join(map(u32, numbers)) + good[counts + 8 :]
    cases = [
        ("as it is", None, good, {}),
        ("4,097 bytes", "manifest-size", good + bytes(4097 - len(good)), {}),
        ("nothing", "manifest-malformed", b"", {}),
        ("a signature alone", "manifest-malformed", good[-64:], {}),
        ("another tag", "manifest-malformed", head[:-1] + b"2" + tail, {}),
        ("a byte less", "manifest-malformed", good[:-1], {}),
        ("a byte more", "manifest-malformed", good + b"\0", {}),
        ("a forfeit that is not there", "manifest-malformed", good[: counts + 4] + u32(1) + good[counts + 8 :], {}),
        ("more forfeits than 32 bits of bytes", "manifest-malformed", good[: counts + 4] + u32(2**30) + good[counts + 8 :], {}),
        ("a forfeit twice", "manifest-malformed", forfeits(1, 1), {}),
        ("forfeits that descend", "manifest-malformed", forfeits(2, 1), {}),
        ("a forfeit that is no group", "manifest-malformed", forfeits(3), {}),
        ("forfeits that were not signed", "manifest-signature", forfeits(1, 2), {}),
        ("another signature", "manifest-signature", good[:-64] + signed[0][-64:], {}),
        ("a manifest signed by another key", "manifest-signature", good[:67] + bytes.fromhex(BOB) + good[99:], {}),
        ("another genesis", "other-chain", good, {"genesis": other, "netuid": 4}),
        ("another netuid", "other-netuid", good, {"netuid": 4, "window": 41}),
        ("another window", "other-window", good, {"window": 41, "hotkey": BOB}),
        ("another hotkey", "other-hotkey", good, {"hotkey": BOB, "checkpointDigest": other}),
        ("another checkpoint", "other-checkpoint", good, {"checkpointDigest": other, "policyDigest": other}),
        ("another policy", "other-policy", good, {"policyDigest": other, "committed": other}),
        ("another digest on the chain", "other-commitment", good, {"committed": other, "quota": 5}),
        ("one rollout more than the quota", "over-quota", good, {"quota": 5}),
        ("a forfeit of four groups", "too-many-forfeits", signed[0], {"window": 41, "committed": sha(signed[0][:-64]).hex()}),
        ("three rollouts a group", "manifest-counts", good, {"rolloutsPerGroup": 3}),
        ("more tokens than rollouts can have", "manifest-counts", good, {"maxTokens": 3}),
        ("as many tokens as rollouts can have", None, good, {"maxTokens": 4}),
    ]
    assert m["tokens"] == 24 and m["rollouts"] == 6
    reading = {k: m[k] for k in ("genesis", "netuid", "window", "hotkey", "checkpointDigest", "policyDigest")}
    reading = {**reading, "committed": sha(good[:-64]).hex(), "quota": 6, "maxTokens": 6, "rolloutsPerGroup": 2}
    for why, reason, data, change in cases:
        yield {"why": why, "reason": reason, "bytes": data.hex(), "reading": {**reading, **change}}


def equivocation_refusals(signed):
    first, window, second, again, chain, netuid, hotkey = signed
    tag = b"assay/rollouts/equivocation/1"
    pair = lambda a, b: lp(tag) + b"".join(map(lp, sorted((a, b))))
    good = pair(first, second)
    forged = second[:-64] + first[-64:]
    cases = [
        ("two of one hotkey, chain, subnet and window", None, good),
        ("one, signed twice", "equivocation-none", pair(first, again)),
        ("two windows", "equivocation-none", pair(first, window)),
        ("two chains", "equivocation-none", pair(first, chain)),
        ("two subnets", "equivocation-none", pair(first, netuid)),
        ("two hotkeys", "equivocation-none", pair(first, hotkey)),
        ("a signature of the other's", "manifest-signature", pair(first, forged)),
        ("one that is no manifest", "manifest-malformed", pair(first, second[:-1])),
        ("the greater one first", "equivocation-malformed", lp(tag) + b"".join(map(lp, sorted((first, second), reverse=True)))),
        ("the same bytes twice", "equivocation-malformed", lp(tag) + lp(first) + lp(first)),
        ("another tag", "equivocation-malformed", good[:32] + b"2" + good[33:]),
        ("a byte behind", "equivocation-malformed", good + b"\0"),
        ("cut off", "equivocation-malformed", good[:-1]),
        ("one manifest", "equivocation-malformed", lp(tag) + lp(first)),
    ]
    return [{"why": why, "reason": reason, "bytes": data.hex()} for why, reason, data in cases]


ENDS = [
    ("eos", [65, 66, 256], None),
    ("eos", [65, 2], None),
    ("eos", [256], None),
    ("eos", [65, 66, 67, 68, 69, 256], None),
    ("cap", [65, 66, 67, 68, 69, 70], None),
    ("eos", [31999, 2], None),
    ("eos", [], "no-tokens"),
    ("cap", [], "no-tokens"),
    ("eos", [32000, 2], "outside-vocabulary"),
    ("eos", [65, 256, 66, 256], "stop-inside"),
    ("eos", [65, 2, 256], "stop-inside"),
    ("cap", [256, 66, 67, 68, 69, 70], "stop-inside"),
    ("eos", [65, 66], "eos-without-stop"),
    ("eos", [65, 66, 67, 68, 69, 70], "eos-without-stop"),
    ("cap", [65, 66], "cap-short"),
    ("cap", [65, 256], "cap-short"),
    ("cap", [65, 66, 67, 68, 69, 256], "cap-with-stop"),
]


def lower_middle(numbers):
    return sorted(numbers)[(len(numbers) - 1) // 2] if numbers else 0


def medians():
    """Of windows: the lengths of each key's rollouts, two a group, and its broken groups."""
    drawn = lambda *parts: int.from_bytes(sha(repr(parts).encode())[:4], "little")
    out = []
    for i in range(12):
        keys = []
        for key in range(i % 8):
            lengths = [drawn(i, key, k, "length") % 60 for k in range(2 * (1 + drawn(i, key, "groups") % 9 ** (1 + key % 2)))]
            broken = [group for group in range(len(lengths) // 2) if drawn(i, key, group, "broken") % 4 < i % 4]
            keys.append({"lengths": lengths, "broken": broken})
        kept = [[n for place, n in enumerate(k["lengths"]) if place // 2 not in k["broken"]] for k in keys]
        out.append({"keys": keys, "median": lower_middle([lower_middle(own) for own in kept if own])})
    return out


def pay(case):
    """Of each rollout in thousandths, then the sum less forfeits; rollouts are [group, length, stop]."""
    median, price = case["median"], case["promptMillis"]
    full = [
        min(length, median if stop == "cap" else 2 * median) * 1000 + case["promptTokens"][group] * price
        for group, length, stop in case["rollouts"]
    ]
    groups = {}
    for (group, _, _), millis in zip(case["rollouts"], full):
        if group not in case["broken"]:
            groups[group] = groups.get(group, 0) + millis
    paid = [
        0 if group in case["broken"] or place in case["unpaid"] else millis
        for place, ((group, _, _), millis) in enumerate(zip(case["rollouts"], full))
    ]
    given_up = case["forfeits"] + len(case["broken"])
    return {"paid": paid, "millis": max(0, sum(paid) - given_up * lower_middle(list(groups.values())))}


def pay_cases():
    drawn = lambda *parts: int.from_bytes(sha(repr(parts).encode())[:4], "little")
    cases = []
    for i in range(12):
        count, each = 1 + drawn(i, "groups") % 7, 1 + drawn(i, "each") % 4
        rollouts = [
            [group, drawn(i, group, k, "length") % 60, "cap" if drawn(i, group, k, "stop") % 5 == 0 else "eos"]
            for group in range(count)
            for k in range(each)
        ]
        case = {
            "rollouts": rollouts,
            "broken": [group for group in range(count) if drawn(i, group, "broken") % 6 < i % 3],
            "unpaid": [place for place in range(len(rollouts)) if drawn(i, place, "unpaid") % 9 == 0],
            "forfeits": i % 2 * (drawn(i, "forfeits") % 3),
            "promptMillis": [0, 35, 1000][i % 3],
            "promptTokens": [drawn(i, group, "prompt") % 300 for group in range(count)],
        }
        case["median"] = lower_middle([length for group, length, _ in rollouts if group not in case["broken"]])
        cases.append({**case, **pay(case)})
    return cases


def vectors():
    leaves = [tagged(b"record", record(r)) for r in ROLLOUTS]
    trees = {n: levels(leaves[:n]) for n in (1, 2, 3, 5)}
    data = pack(frame(columns(ROLLOUTS)))
    compressed = bytes.fromhex(COMPRESSED)
    assert read(data) == read(compressed) == ROLLOUTS
    manifests = manifests_of(data)
    signed = [manifest(m) + bytes.fromhex(s) for m, s in zip(manifests, SIGNATURES)]
    numbers = [0, 1, 127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**28 - 1, 2**28, 2**32 - 1]
    return {
        "origin": "scripts/golden_records.py, from docs/rollouts/records.md: Python, no code shared with src/",
        "command": "python3 scripts/golden_records.py",
        "policy": {**POLICY, "vocabulary": VOCABULARY},
        "records": [
            {**r, "record": record(r).hex(), "leaf": tagged(b"record", record(r)).hex()} for r in ROLLOUTS + [EXTREME]
        ],
        "trees": [
            {"leaves": n, "root": t[-1][0].hex(), "paths": [path(t, i).hex() for i in range(n)]} for n, t in trees.items()
        ],
        "column": {"numbers": numbers, "bytes": b"".join(map(varint, numbers)).hex()},
        "file": {
            "about": "the records above but the last, stored and compressed: two files of one frame",
            "frame": frame(columns(ROLLOUTS)).hex(),
            "bytes": data.hex(),
            "compressed": compressed.hex(),
        },
        "manifests": [{**m, "bytes": manifest(m).hex(), "digest": sha(manifest(m)).hex()} for m in manifests[:2]],
        "signed": [s.hex() for s in signed],
        "equivocation": (lp(b"assay/rollouts/equivocation/1") + b"".join(map(lp, sorted((signed[0], signed[2]))))).hex(),
        "manifestsRead": list(manifest_refusals(signed)),
        "equivocations": equivocation_refusals(signed),
        "openings": list(opening_refusals(levels([tagged(b"record", record(r)) for r in ROLLOUTS]))),
        "refused": [{"why": why, "reason": reason, "file": bad.hex()} for why, reason, bad in refusals()],
        "ends": [{"stop": s, "tokens": t, "reason": r} for s, t, r in ENDS],
        "medians": medians(),
        "pay": pay_cases(),
    }


def main():
    text = json.dumps(vectors(), indent=1) + "\n"
    if "--check" in sys.argv:
        with open(OUT) as given:
            same = given.read() == text
        print("as computed" if same else "differs from what is computed")
        sys.exit(0 if same else 1)
    with open(OUT, "w") as out:
        out.write(text)


main()
