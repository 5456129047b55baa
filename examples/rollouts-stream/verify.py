#!/usr/bin/env python3
"""
Usage: verify.py WINDOW POLICY MANIFEST FILE (context and policy as JSON, a miner's manifest and file as bytes)

Written from docs/rollouts/stream.md and records.md alone: the manifest is of this window and policy, the file the one that it names,
every group is there, every rollout has its end, the tree over the records is the signed one; and every token is scanned for the
noise that beacon and hotkey gave it. A line of JSON a group and one that sums up; exit code 1 where something does not belong.
Not checked: the signature (no sr25519 in the standard library), the commitment on the chain, limits of sizes, and what needs the model:
that tokens won their races. Logarithms are the libm's, not the pinned ones: they are rounded to integers far above their last bit.
"""
import hashlib
import json
import math
import struct
import sys
import zlib


def u32(*values):
    return struct.pack("<%dI" % len(values), *values)


def tagged(what, *parts):
    parts = (b"assay/rollouts/%s/1" % what.encode(), *parts)
    return hashlib.sha256(b"".join(u32(len(part)) + part for part in parts)).digest()


def window_parts(window):
    beacon = window["beacon"]
    drawn = [beacon["kind"].encode(), struct.pack("<Q", int(beacon["round"])), bytes.fromhex(beacon["signature"])]
    genesis, checkpoint, policy = (bytes.fromhex(window[name]) for name in ("genesis", "checkpointDigest", "policyDigest"))
    return [*drawn, genesis, u32(window["netuid"]), u32(window["window"]), checkpoint, policy]


def policy_parts(policy):
    numbers = [[policy["candidates"]], [policy["maxTokens"]], policy["stopIds"], [policy["rolloutsPerGroup"]]]
    return [policy["temperature"].encode(), *(u32(*each) for each in numbers), bytes.fromhex(policy["environmentDigest"])]


def key_of(root, group, rollout):
    return struct.unpack("<II", tagged("key", root, u32(group), u32(rollout))[:8])


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [p1 >> 32 ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, p0 >> 32 ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [k[0] + 0x9E3779B9 & 0xFFFFFFFF, k[1] + 0xBB67AE85 & 0xFFFFFFFF]
    return c


def race_entry(bucket):
    if bucket == 65535:
        return round((1 - math.log(1 / 65536)) * 65536)
    middle = 65535 - bucket + 0.5
    series = sum((0.5 / middle) ** (2 * k) / (2 * k * (2 * k + 1)) for k in range(1, 17))
    return round((series - math.log(middle / 65536)) * 65536)


def scan(key, tokens, entries):
    return sum(entries[philox((token, position, 0, 0), key)[0] >> 16] for position, token in enumerate(tokens))


def unforced_bits(tokens, race):
    mean = (race - tokens / 2) / 65536 / max(1, tokens)
    bits = tokens * (mean - 1 - math.log(mean)) / 0.6931471805599453 if mean > 1 else 0
    return max(0, math.floor(bits * 1024) - 1)


def parse_manifest(data):
    tag = u32(25) + b"assay/rollouts/manifest/1"
    forfeits = struct.unpack_from("<I", data, 199)[0]
    found = struct.unpack("<29s32sHI32s32s32s32sI4x%dsIII32s32s64s" % (4 * forfeits), data)
    if found[0] != tag:
        raise ValueError("no manifest")
    names = "genesis netuid window hotkey checkpoint policy profile groups forfeits rollouts tokens fileBytes fileSha256 root signature"
    return dict(zip(names.split(), found[1:]), forfeits=struct.unpack("<%dI" % forfeits, found[9]))


def column(data):
    numbers = [0]
    shift = 0
    for byte in data:
        numbers[-1] |= (byte & 127) << shift
        shift += 7
        if numbers[-1] >> 32 or shift > 35:
            raise ValueError("a number of more than 32 bits")
        if byte < 128:
            numbers.append(0)
            shift = 0
    return numbers[:-1]


def parse_file(data):
    """Rollouts as (group, index, stop, tokens)."""
    tag, length = struct.unpack_from("<22sI", data)
    if tag != b"assay/rollouts/file/1\x01" or length > min(50 * len(data), 26 + 14 * 2**20 + 5 * 2**25):
        raise ValueError("no file of rollouts")
    stream, at, columns = zlib.decompressobj(), 1, []
    frame = stream.decompress(data[26:], length + 1)
    if len(frame) != length or not stream.eof or stream.unused_data:
        raise ValueError("no stream of just this length")
    for _ in range(5):
        start = at + {0xC4: 2, 0xC5: 3, 0xC6: 5}[frame[at]]
        at = start + int.from_bytes(frame[at + 1 : start], "big")
        columns.append(column(frame[start:at]))
    group, tokens = 0, iter(columns.pop())
    for step, index, stop, count in zip(*columns, strict=True):
        group += step
        yield group, index, stop, [next(tokens) for _ in range(count)]


def merkle_root(rollouts):
    level = [tagged("record", struct.pack("<IHBI", g, i, s, len(tokens)) + u32(*tokens)) for g, i, s, tokens in rollouts]
    level += [bytes(32)] * ((1 << (len(level) - 1).bit_length()) - len(level))
    while len(level) > 1:
        level = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2])]
    return level[0]


def has_its_end(policy, stop, tokens):
    stops = [token for token in tokens if token in policy["stopIds"]]
    if stop == 0:
        return len(stops) == 1 and stops == tokens[-1:] and len(tokens) <= policy["maxTokens"]
    return stop == 1 and stops == [] and len(tokens) == policy["maxTokens"]


def check_window(window, policy, manifest, data):
    """@returns what does not belong"""
    digest = tagged("policy", *policy_parts(policy)).hex()
    file_is_it = len(data) == manifest["fileBytes"] and hashlib.sha256(data).digest() == manifest["fileSha256"]
    rollouts = list(parse_file(data)) if file_is_it else []
    each, forfeits = policy["rolloutsPerGroup"], set(manifest["forfeits"])
    # before they are numbered: a manifest may say four billion
    whole = (manifest["groups"] - len(forfeits)) * each == len(rollouts) > 0
    there = [group for group in range(manifest["groups"]) if group not in forfeits] if whole else []
    places = [(group, index) for group in there for index in range(each)]
    belongs = {
        "policy": digest == window["policyDigest"] == manifest["policy"].hex(),
        "checkpoint": manifest["checkpoint"].hex() == window["checkpointDigest"],
        "chain": manifest["genesis"].hex() == window["genesis"],
        "window": (manifest["netuid"], manifest["window"]) == (window["netuid"], window["window"]),
        "file": file_is_it,
        "counts": (len(rollouts), sum(len(rollout[3]) for rollout in rollouts)) == (manifest["rollouts"], manifest["tokens"]),
        "groups": whole and [rollout[:2] for rollout in rollouts] == places,
        "ends": all(has_its_end(policy, stop, tokens) for _, _, stop, tokens in rollouts),
        "tree": bool(rollouts) and merkle_root(rollouts) == manifest["root"],
    }
    root = tagged("stream", *window_parts(window), manifest["hotkey"])
    entries = [race_entry(bucket) for bucket in range(65536)]
    sums = {group: [0, 0] for group in there}
    for group, index, _, tokens in rollouts:
        counted = sums.setdefault(group, [0, 0])
        counted[0] += len(tokens)
        counted[1] += scan(key_of(root, group, index), tokens, entries)
    for group, (tokens, race) in sums.items():
        print(json.dumps({"group": group, "promptSeed": tagged("prompt", root, u32(group)).hex(), "tokens": tokens, "race": race}))
    tokens, race = (sum(counted[i] for counted in sums.values()) for i in (0, 1))
    wrong = [name for name, holds in belongs.items() if not holds]
    found = {"root": root.hex(), "rollouts": len(rollouts), "tokens": tokens, "race": race}
    print(json.dumps({**found, "unforcedBits": unforced_bits(tokens, race), "doesNotBelong": wrong}))
    return wrong


def main(paths):
    window, policy, manifest, data = (open(path, "rb").read() for path in paths)
    return 1 if check_window(json.loads(window), json.loads(policy), parse_manifest(manifest), data) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if len(sys.argv) == 5 else __doc__.strip())
