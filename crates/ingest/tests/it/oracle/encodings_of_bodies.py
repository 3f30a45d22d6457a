"""Bodies: gzip and zstd, made and undone, within the limits of a receiver.

Of zstd only frames of raw and repeated blocks are made and read: enough to be right or wrong in every part of the
frame, without a compressor.
"""

import struct
import zlib

from wire import Malformed, TooLarge

WIRE_MAX, BODY_MAX, RATIO, RATIO_FREE = 100_000, 2_000_000, 200, 1 << 20
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (
    0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def check_size(length, wire_length):
    if length > BODY_MAX or length > RATIO_FREE and length > wire_length * RATIO:
        raise TooLarge("bytes, decompressed")


def decode(encoding, data):
    if len(data) > WIRE_MAX:
        raise TooLarge("bytes")
    out = {"identity": lambda body: body, "gzip": gunzip, "zstd": unzstd}[encoding](data)
    check_size(len(out), len(data))
    return out


def gunzip(data):
    """All members, with their checksums; anything else after them is an error. An empty body is no gzip."""
    out, rest = bytearray(), data
    while True:
        member = zlib.decompressobj(31)
        try:
            out += member.decompress(rest, BODY_MAX + 1 - len(out))
        except zlib.error as error:
            raise Malformed(str(error)) from None
        check_size(len(out), len(data))
        if not member.eof:
            raise Malformed("truncated")
        rest = member.unused_data
        if not rest:
            return bytes(out)


def gzip(data, level=6):
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def rotate(value, bits):
    return (value << bits | value >> (64 - bits)) & MASK


def round_of(lane, word):
    return rotate((lane + word * P2) & MASK, 31) * P1 & MASK


def xxh64(data):
    """The checksum of zstd frames."""
    at, length = 0, len(data)
    if length >= 32:
        lanes = [(P1 + P2) & MASK, P2, 0, -P1 & MASK]
        while at + 32 <= length:
            for index, word in enumerate(struct.unpack_from("<4Q", data, at)):
                lanes[index] = round_of(lanes[index], word)
            at += 32
        value = sum(rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            value = ((value ^ round_of(0, lane)) * P1 + P4) & MASK
    else:
        value = P5
    value = (value + length) & MASK
    while at + 8 <= length:
        value = (rotate(value ^ round_of(0, struct.unpack_from("<Q", data, at)[0]), 27) * P1 + P4) & MASK
        at += 8
    if at + 4 <= length:
        value = (rotate(value ^ struct.unpack_from("<I", data, at)[0] * P1 & MASK, 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        value = rotate(value ^ byte * P5 & MASK, 11) * P1 & MASK
    value = (value ^ value >> 33) * P2 & MASK
    value = (value ^ value >> 29) * P3 & MASK
    return value ^ value >> 32


def zstd(data, checksum=False, block=32_768, repeat=False):
    """One frame of raw blocks, or of repeated bytes where `repeat` says that all are the same."""
    out = bytearray(ZSTD_MAGIC)
    # A frame of a single segment, its size in four bytes.
    out.append(0xA0 | (4 if checksum else 0))
    out += struct.pack("<I", len(data))
    pieces = [data[at:at + block] for at in range(0, len(data), block)] or [b""]
    for index, piece in enumerate(pieces):
        kind = 1 if repeat and piece else 0
        out += struct.pack("<I", (index == len(pieces) - 1) | kind << 1 | len(piece) << 3)[:3]
        out += piece[:1] if kind else piece
    if checksum:
        out += struct.pack("<I", xxh64(data) & 0xFFFFFFFF)
    return bytes(out)


def take(data, at, length):
    if at + length > len(data):
        raise Malformed("truncated zstd")
    return data[at:at + length], at + length


def unzstd(data):
    out, at = bytearray(), 0
    while at < len(data):
        magic, at = take(data, at, 4)
        if magic[1:] == b"\x2a\x4d\x18" and magic[0] & 0xF0 == 0x50:
            length, at = take(data, at, 4)
            _, at = take(data, at, struct.unpack("<I", length)[0])
            continue
        if magic != ZSTD_MAGIC:
            raise Malformed("no zstd")
        head, at = take(data, at, 5)
        if head[0] not in (0xA0, 0xA4):
            raise Malformed("a frame of another kind")
        start = len(out)
        at = blocks(data, at, out)
        if len(out) - start != struct.unpack("<I", head[1:])[0]:
            raise Malformed("another size than told")
        if head[0] & 4:
            told, at = take(data, at, 4)
            if struct.unpack("<I", told)[0] != xxh64(bytes(out[start:])) & 0xFFFFFFFF:
                raise Malformed("checksum")
    return bytes(out)


def blocks(data, at, out):
    while True:
        head, at = take(data, at, 3)
        word = int.from_bytes(head, "little")
        last, kind, length = word & 1, word >> 1 & 3, word >> 3
        if kind > 1 or length > 1 << 17:
            raise Malformed("block")
        piece, at = take(data, at, length if kind == 0 else 1)
        out += piece if kind == 0 else piece * length
        check_size(len(out), len(data))
        if last:
            return at
