# Owns: what every proof is spelled in: SHA-256, AES-256 in counter mode, canonical protobuf, Merkle paths.
# Standard library only; written from docs/proofs, sharing nothing with src/. Does not own: any kind's checks.
import hashlib


def H(*parts):
    return hashlib.sha256(b"".join(p.encode() if isinstance(p, str) else p for p in parts)).digest()


def u32(value):
    return value.to_bytes(4, "little")


def words(data):
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def exponent(count):
    """Levels of a tree whose leaves are padded to a power of two."""
    return max(count - 1, 0).bit_length()


class Malformed(Exception):
    """The bytes are no such message."""


MAX_PARTS = 16384


def message(data, fields, parts=None):
    """
    Canonical protobuf: fields ascending, each in its shortest spelling, defaults left out, nothing unknown.
    fields: number -> (name, of), of being "uint", "bytes", {number: ...} for a repeated message, [{number: ...}] for one message,
    "each" for repeated bytes
    """
    absent = lambda of: [] if isinstance(of, dict) or of == "each" else None if isinstance(of, list) else 0 if of == "uint" else b""
    out = {name: absent(of) for name, of in fields.values()}
    at, last = 0, 0
    parts = [0] if parts is None else parts

    def varint():
        nonlocal at
        value, shift, start = 0, 0, at
        while True:
            if at >= len(data) or shift > 28:
                raise Malformed
            byte = data[at]
            value |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                if value >= 1 << 32 or (byte == 0 and at - start > 1):
                    raise Malformed
                return value

    while at < len(data):
        tag = varint()
        number, wire = tag >> 3, tag & 7
        if number not in fields:
            raise Malformed
        name, of = fields[number]
        repeated = isinstance(of, dict) or of == "each"
        if wire != (0 if of == "uint" else 2) or number < last or (number == last and not repeated):
            raise Malformed
        last = number
        value = varint()
        if of != "uint":
            if at + value > len(data):
                raise Malformed
            value, at = data[at : at + value], at + value
        if repeated or isinstance(of, list):
            parts[0] += 1
            if parts[0] > MAX_PARTS:
                raise Malformed
        if repeated:
            out[name].append(value if of == "each" else message(value, of, parts))
        elif isinstance(of, list):
            out[name] = message(value, of[0], parts)
        elif not value:
            raise Malformed  # a default is not written
        else:
            out[name] = value
    return out


def climb(leaf, index, path, tag):
    """The node that `path` (32 bytes a sibling, from the leaf up) leads to."""
    for at in range(0, len(path), 32):
        sibling = path[at : at + 32]
        left, right = (sibling, leaf) if index & 1 else (leaf, sibling)
        leaf, index = H(bytes([tag]), left, right), index >> 1
    return leaf


def _tables():
    box, value = [0] * 256, 1
    inverse, logs, powers = [0] * 256, [0] * 256, [0] * 255
    for i in range(255):
        powers[i], logs[value] = value, i
        value ^= (value << 1) ^ (0x11B if value & 128 else 0)
    for i in range(1, 256):
        inverse[i] = powers[(255 - logs[i]) % 255]
    for i in range(256):
        x = inverse[i]
        box[i] = x ^ 0x63
        for turn in range(1, 5):
            box[i] ^= (x << turn | x >> (8 - turn)) & 255
    double = [(x << 1) ^ (0x11B if x & 128 else 0) for x in range(256)]
    mix = [double[s] << 24 | s << 16 | s << 8 | double[s] ^ s for s in box]
    return box, [[(m >> 8 * t | m << (32 - 8 * t)) & 0xFFFFFFFF for m in mix] for t in range(4)]


_BOX, (_T0, _T1, _T2, _T3) = _tables()


class Stream:
    """AES-256 in counter mode, counter 0 (FIPS 197, SP 800-38A): any part of it can be made alone."""

    def __init__(self, key):
        w = [int.from_bytes(key[i : i + 4], "big") for i in range(0, 32, 4)]
        sub = lambda x: _BOX[x >> 24] << 24 | _BOX[x >> 16 & 255] << 16 | _BOX[x >> 8 & 255] << 8 | _BOX[x & 255]
        rcon = 1
        for i in range(8, 60):
            x = w[i - 1]
            if i % 8 == 0:
                x, rcon = sub((x << 8 | x >> 24) & 0xFFFFFFFF) ^ rcon << 24, rcon << 1
            elif i % 8 == 4:
                x = sub(x)
            w.append(w[i - 8] ^ x)
        self._keys = w

    def _block(self, counter):
        w = self._keys
        a, b, c, d = (counter >> 96) ^ w[0], (counter >> 64 & 0xFFFFFFFF) ^ w[1], (counter >> 32 & 0xFFFFFFFF) ^ w[2], (counter & 0xFFFFFFFF) ^ w[3]
        for k in range(4, 56, 4):
            a, b, c, d = (
                _T0[a >> 24] ^ _T1[b >> 16 & 255] ^ _T2[c >> 8 & 255] ^ _T3[d & 255] ^ w[k],
                _T0[b >> 24] ^ _T1[c >> 16 & 255] ^ _T2[d >> 8 & 255] ^ _T3[a & 255] ^ w[k + 1],
                _T0[c >> 24] ^ _T1[d >> 16 & 255] ^ _T2[a >> 8 & 255] ^ _T3[b & 255] ^ w[k + 2],
                _T0[d >> 24] ^ _T1[a >> 16 & 255] ^ _T2[b >> 8 & 255] ^ _T3[c & 255] ^ w[k + 3],
            )
        last = lambda p, q, r, s, k: (_BOX[p >> 24] << 24 | _BOX[q >> 16 & 255] << 16 | _BOX[r >> 8 & 255] << 8 | _BOX[s & 255]) ^ w[k]
        return b"".join(
            x.to_bytes(4, "big")
            for x in (last(a, b, c, d, 56), last(b, c, d, a, 57), last(c, d, a, b, 58), last(d, a, b, c, 59))
        )

    def bytes(self, start, count):
        first, last = start // 16, (start + count + 15) // 16
        made = b"".join(self._block(i) for i in range(first, last))
        return made[start - 16 * first :][:count]
