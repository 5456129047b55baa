#!/usr/bin/env python3
"""Reads tests/vectors/rollouts-delta.json with a decoder written from docs/rollouts/checkpoints.md alone. No dependencies.

Usage: python3 scripts/golden_deltas_check.py
"""
import hashlib
import json
import pathlib
import struct

VECTORS = pathlib.Path(__file__).parent.parent / "tests" / "vectors" / "rollouts-delta.json"


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        assert self.at + count <= len(self.data), "truncated"
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize(form)))[0]

    def leb128(self):
        value, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def text(self):
        return self.take(self.number("I")).decode()


def table(reader):
    frequencies = []
    while len(frequencies) < 256:
        value = reader.leb128()
        frequencies += [value] if value else [0] * (1 + reader.take(1)[0])
    assert len(frequencies) == 256 and sum(frequencies) in (0, 4096)
    slots = []
    for symbol, frequency in enumerate(frequencies):
        start = len(slots)
        slots += [(symbol, frequency, start)] * frequency
    return slots


class Rans:
    def __init__(self, stream):
        self.reader = Reader(stream)
        self.state = self.reader.number("I")

    def symbol(self, slots):
        slot = self.state & 4095
        symbol, frequency, start = slots[slot]
        self.state = frequency * (self.state >> 12) + slot - start
        if self.state < 1 << 16:
            self.state = self.state << 16 | self.reader.number("H")
        return symbol

    def end(self):
        assert self.state == 1 << 16 and self.reader.at == len(self.reader.data)


def changes(frame):
    _, count, (first, more, step_table), gaps, steps, escapes = frame
    gaps, steps, escapes = Rans(gaps), Rans(steps), Reader(escapes)
    position = -1
    for _ in range(count):
        byte = gaps.symbol(first)
        gap, shift = byte & 127, 7
        while byte > 127:
            byte = gaps.symbol(more)
            gap |= (byte & 127) << shift
            shift += 7
        position += gap + 1
        z = steps.symbol(step_table)
        step = escapes.number("h") if z == 255 else -(z + 1) // 2 if z & 1 else z // 2 + 1
        yield position, step
    gaps.end()
    steps.end()
    assert escapes.at == len(escapes.data)


def frames(data):
    reader = Reader(data)
    assert reader.text() == "assay/rollouts/delta/1"
    assert reader.take(64) == b"\1" * 32 + b"\2" * 32
    classes = [[table(reader) for _ in range(3)] for _ in range(reader.number("I"))]
    index, tensor = [], -1
    for _ in range(reader.number("I")):
        tensor += reader.leb128() + 1
        if reader.take(1)[0] == 0:
            index.append((tensor, None, None, [reader.leb128()]))
        else:
            own = classes[reader.leb128()]
            count = reader.leb128()
            index.append((tensor, count, own, [reader.leb128() for _ in range(3)]))
    found = [(tensor, count, own, *map(reader.take, lengths)) for tensor, count, own, lengths in index]
    assert reader.at == len(data)
    return found


def ordered(bits):
    return ~bits & 0xFFFF if bits & 0x8000 else bits | 0x8000


def unordered(value):
    return value & 0x7FFF if value & 0x8000 else ~value & 0xFFFF


def applied(base, data):
    out = [bytearray(tensor) for tensor in base]
    for frame in frames(data):
        if frame[1] is None:
            out[frame[0]][:] = frame[3]
            continue
        words = out[frame[0]]
        for position, step in changes(frame):
            (bits,) = struct.unpack_from("<H", words, 2 * position)
            struct.pack_into("<H", words, 2 * position, unordered((ordered(bits) + step) & 0xFFFF))
    return [bytes(tensor) for tensor in out]


def tagged(what, *parts):
    all_parts = [f"assay/rollouts/{what}/1".encode(), *parts]
    return hashlib.sha256(b"".join(struct.pack("<I", len(part)) + part for part in all_parts)).digest()


def checkpoint(vector):
    data = bytes.fromhex(vector["bytes"])
    master = bytes.fromhex(vector["master"])
    assert hashlib.sha256(data).hexdigest() == vector["digest"]
    reader = Reader(data[:-64])
    assert reader.text() == "assay/rollouts/checkpoint/1" and reader.text() == "golden"
    assert reader.number("Q") == 3
    trainer = reader.take(32)
    assert reader.number("B") == 0
    assert reader.number("Q") == len(master) and reader.take(32) == hashlib.sha256(master).digest()
    header = reader.number("Q")
    header_digest = reader.take(32)
    assert header_digest == hashlib.sha256(master[:header]).digest()
    leaves = [tagged("checkpoint-header", struct.pack("<Q", header), header_digest)]
    for _ in range(reader.number("I")):
        name, dtype = reader.text(), reader.text()
        shape = reader.take(8 * reader.number("B"))
        leaves.append(tagged("checkpoint-tensor", name.encode(), dtype.encode(), shape, reader.take(32)))
    while len(leaves) & (len(leaves) - 1):
        leaves.append(bytes(32))
    while len(leaves) > 1:
        pairs = zip(leaves[::2], leaves[1::2])
        leaves = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs]
    assert reader.take(32) == leaves[0] == bytes.fromhex(vector["root"])
    assert reader.text() == "bf16-steps/1" and reader.take(2) == b"\1\0" and reader.at == len(data) - 64
    head = Reader(bytes.fromhex(vector["head"])[:-64])
    assert head.text() == "assay/rollouts/head/1" and head.text() == "golden" and head.number("Q") == 7
    assert head.take(32).hex() == vector["digest"] and head.take(32) == trainer and head.at == len(head.data)


def main():
    vectors = json.loads(VECTORS.read_text())
    for case in vectors["tensors"]:
        base = [bytes.fromhex(tensor) for tensor in case["base"]]
        assert applied(base, bytes.fromhex(case["delta"])) == [bytes.fromhex(t) for t in case["next"]], case["name"]
    far = vectors["far"]
    (frame,) = frames(bytes.fromhex(far["delta"]))
    assert list(changes(frame)) == list(zip(far["positions"], far["steps"]))
    order = b"".join(struct.pack("<H", ordered(bits)) for bits in range(65536))
    assert hashlib.sha256(order).hexdigest() == vectors["orderSha256"]
    checkpoint(vectors["checkpoint"])
    print(f"{len(vectors['tensors'])} deltas, places up to 2^53, order, manifest and head agree")


main()
