#!/usr/bin/env python3
"""
Finds a miner's window by its stream: written from docs/rollouts/stream.md and records.md alone, with the standard library.

Usage: verify.py WINDOW POLICY MANIFEST FILE
A window's context and policy as JSON, a miner's manifest and file as bytes: checks that they belong together, derives root,
prompts and keys, and scans every token. A line of JSON for each group, the last line sums up; exit code 1 when something does
not belong. The manifest's signature is not checked: sr25519 is not in the standard library.
"""
import hashlib
import json
import math
import struct
import sys
import zlib

SIGNATURE_BYTES = {"drand-quicknet": 48, "drand-pallet": 48, "dev-chain": 32}


def u32(value):
    return struct.pack("<I", value)


def parts_bytes(*parts):
    return b"".join(u32(len(part)) + part for part in parts)


def tagged(what, *parts):
    return hashlib.sha256(parts_bytes(b"assay/rollouts/%s/1" % what.encode(), *parts)).digest()


def high_word(x):
    return struct.unpack("<q", struct.pack("<d", x))[0] >> 32


def ln(x):
    """Not math.log, which is the libm's; Python's floats are float64 without fused operations."""
    if x <= 0:
        return -math.inf if x == 0 else math.nan
    fraction, k = math.frexp(x)  # in [1/2, 1)
    fraction, k = fraction * 2, k - 1
    high = high_word(fraction) & 0xFFFFF
    if high + 0x95F64 & 0x100000:
        fraction, k = fraction / 2, k + 1
    f = fraction - 1
    ln2_high, ln2_low = 6.93147180369123816490e-01, 1.90821492927058770002e-10
    if (high + 2 & 0xFFFFF) < 3:
        if f == 0:
            return k * ln2_high + k * ln2_low
        r = f * f * (0.5 - 0.33333333333333333 * f)
        return f - r if k == 0 else k * ln2_high - ((r - k * ln2_low) - f)
    s = f / (2 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)))
    r = odd + even
    if high > 0x6147A and high < 0x6B851:
        half = 0.5 * f * f
        return f - (half - s * (half + r)) if k == 0 else k * ln2_high - ((half - (s * (half + r) + k * ln2_low)) - f)
    return f - s * (f - r) if k == 0 else k * ln2_high - ((s * (f - r) - k * ln2_low) - f)


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [p1 >> 32 ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, p0 >> 32 ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [k[0] + 0x9E3779B9 & 0xFFFFFFFF, k[1] + 0xBB67AE85 & 0xFFFFFFFF]
    return c


def window_parts(window):
    beacon = window["beacon"]
    signature = bytes.fromhex(beacon["signature"])
    if len(signature) != SIGNATURE_BYTES[beacon["kind"]]:
        raise ValueError("a beacon's signature of %d bytes" % len(signature))
    digests = [bytes.fromhex(window[name]) for name in ("checkpointDigest", "policyDigest")]
    numbers = [u32(window["netuid"]), u32(window["window"])]
    round_ = struct.pack("<Q", int(beacon["round"]))
    return [beacon["kind"].encode(), round_, signature, bytes.fromhex(window["genesis"]), *numbers, *digests]


def root_of(window, hotkey):
    return tagged("stream", *window_parts(window), hotkey)


def key_of(root, group, rollout):
    return struct.unpack("<II", tagged("key", root, u32(group), u32(rollout))[:8])


def prompt_seed(root, group):
    return tagged("prompt", root, u32(group))


def policy_parts(policy):
    stops = b"".join(u32(stop) for stop in policy["stopIds"])
    numbers = [u32(policy["candidates"]), u32(policy["maxTokens"]), stops, u32(policy["rolloutsPerGroup"])]
    return [policy["temperature"].encode(), *numbers, bytes.fromhex(policy["environmentDigest"])]


def race_entry(bucket):
    i = 65535 - bucket
    if i == 0:
        return 1 - ln(1 / 65536)
    middle = i + 0.5
    square = (0.5 / middle) * (0.5 / middle)
    power, series = 1.0, 0.0
    for k in range(1, 17):
        power *= square
        series += power / (2 * k * (2 * k + 1))
    return series - ln(middle / 65536)


def table(entry):
    return [math.floor(entry(bucket) * 65536 + 0.5) for bucket in range(65536)]


def scan(key, tokens, entries):
    buckets = [philox((token, position, 0, 0), key)[0] >> 16 for position, token in enumerate(tokens)]
    return sum(entries[bucket] for bucket in buckets)


def unforced_bits(tokens, race):
    if tokens == 0:
        return 0
    mean = (race - tokens / 2) / 65536 / tokens
    if mean <= 1:
        return 0
    return max(0, math.floor(tokens * (mean - 1 - ln(mean)) / 0.6931471805599453 * 1024) - 1)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise ValueError("bytes end early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")


def parse_manifest(data):
    r = Reader(data)
    tag = b"assay/rollouts/manifest/1"
    if r.take(r.number(4)) != tag:
        raise ValueError("no manifest")
    out = {"genesis": r.take(32), "netuid": r.number(2), "window": r.number(4), "hotkey": r.take(32)}
    out.update({name: r.take(32) for name in ("checkpointDigest", "policyDigest", "profileDigest")})
    out.update(groups=r.number(4), forfeits=[r.number(4) for _ in range(r.number(4))])
    out.update({name: r.number(4) for name in ("rollouts", "tokens", "fileBytes")})
    out.update(fileSha256=r.take(32), merkleRoot=r.take(32), signature=r.take(64))
    if r.at != len(data):
        raise ValueError("bytes behind the manifest")
    return out


def column(data):
    numbers, value, shift = [], 0, 0
    for byte in data:
        value, shift = value | (byte & 127) << shift, shift + 7
        if value >> 32 or shift > 35:
            raise ValueError("a number of more than 32 bits")
        if byte < 128:
            numbers.append(value)
            value = shift = 0
    return numbers


def parse_file(data):
    """Rollouts as (group, index, stop, tokens)."""
    r = Reader(data)
    if r.take(22) != b"assay/rollouts/file/1\x01":
        raise ValueError("no file of rollouts")
    length = r.number(4)
    if length > 50 * (len(data) - r.at):
        raise ValueError("a frame of more than 50 times its body")
    frame = Reader(zlib.decompressobj().decompress(data[r.at :], length))
    if len(frame.data) != length or frame.take(1) != b"\x95":
        raise ValueError("no frame")
    columns = []
    for _ in range(5):
        width = {0xC4: 1, 0xC5: 2, 0xC6: 4}[frame.number(1)]
        columns.append(column(frame.take(int.from_bytes(frame.take(width), "big"))))
    steps, indices, stops, lengths, tokens = columns
    rollouts, group, at = [], 0, 0
    for step, index, stop, count in zip(steps, indices, stops, lengths, strict=True):
        group, at = group + step, at + count
        rollouts.append((group, index, stop, tokens[at - count : at]))
    return rollouts


def merkle_root(rollouts):
    level = [tagged("record", struct.pack("<IHBI%dI" % len(t), g, i, s, len(t), *t)) for g, i, s, t in rollouts]
    while len(level) & len(level) - 1:
        level.append(bytes(32))
    while len(level) > 1:
        level = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
    return level[0]


def check_window(window, policy, manifest, data):
    belongs = {
        "policy": tagged("policy", *policy_parts(policy)).hex() == window["policyDigest"] == manifest["policyDigest"].hex(),
        "checkpoint": manifest["checkpointDigest"].hex() == window["checkpointDigest"],
        "chain": manifest["genesis"].hex() == window["genesis"],
        "window": (manifest["netuid"], manifest["window"]) == (window["netuid"], window["window"]),
        "file": len(data) == manifest["fileBytes"] and hashlib.sha256(data).digest() == manifest["fileSha256"],
    }
    rollouts = parse_file(data) if belongs["file"] else []
    there = [group for group in range(manifest["groups"]) if group not in manifest["forfeits"]]
    places = [(group, index) for group in there for index in range(policy["rolloutsPerGroup"])]
    counts = len(rollouts), sum(len(tokens) for *_, tokens in rollouts)
    belongs["counts"] = counts == (manifest["rollouts"], manifest["tokens"])
    belongs["groups"] = [rollout[:2] for rollout in rollouts] == places
    belongs["ends"] = all(
        tokens
        and (tokens[-1] in policy["stopIds"] if stop == 0 else len(tokens) == policy["maxTokens"] and tokens[-1] not in policy["stopIds"])
        and not set(tokens[:-1]) & set(policy["stopIds"])
        for _, _, stop, tokens in rollouts
    )
    belongs["tree"] = bool(rollouts) and merkle_root(rollouts) == manifest["merkleRoot"]
    root = root_of(window, manifest["hotkey"])
    entries = table(race_entry)
    sums = {group: (0, 0) for group in there}
    for group, index, _, tokens in rollouts:
        count, race = sums.get(group, (0, 0))
        sums[group] = count + len(tokens), race + scan(key_of(root, group, index), tokens, entries)
    for group, (count, race) in sums.items():
        print(json.dumps({"group": group, "promptSeed": prompt_seed(root, group).hex(), "tokens": count, "race": race}))
    count, race = (sum(numbers) for numbers in zip((0, 0), *sums.values()))
    wrong = [name for name, holds in belongs.items() if not holds]
    result = {"root": root.hex(), "rollouts": len(rollouts), "tokens": count, "race": race}
    print(json.dumps({**result, "unforcedBits": unforced_bits(count, race), "doesNotBelong": wrong}))
    return wrong


def read(path):
    with open(path, "rb") as source:
        return source.read()


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__.strip())
    given = [read(path) for path in sys.argv[1:]]
    sys.exit(1 if check_window(json.loads(given[0]), json.loads(given[1]), parse_manifest(given[2]), given[3]) else 0)
