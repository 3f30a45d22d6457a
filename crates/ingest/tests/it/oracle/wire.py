"""Protobuf: strict reading into plain dictionaries, and writing.

Strict means: a known field with another wire type, text that is no UTF-8, or a message that does not parse makes the
whole request malformed, wherever it stands; unknown fields are passed over. Doubles are kept as their 64 bits.
"""

import struct

from schema import ITEMS, MESSAGES, PACKABLE

DEPTH_MAX = 32
ITEMS_MAX = 250_000
GROUPS_MAX = 32


class Malformed(Exception):
    """The bytes are not the request they claim to be."""


class TooLarge(Exception):
    """A limit on size or number was passed."""


def varint(data, at):
    value = 0
    for index in range(10):
        if at >= len(data):
            raise Malformed("varint")
        byte = data[at]
        at += 1
        if index == 9 and byte > 1:
            raise Malformed("varint over 64 bits")
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at
    raise Malformed("varint over ten bytes")


def key(data, at):
    tag, at = varint(data, at)
    if tag > 0xFFFFFFFF or tag >> 3 == 0:
        raise Malformed("field key")
    return tag >> 3, tag & 7, at


def raw_value(data, at, wire_type):
    if wire_type == 0:
        return varint(data, at)
    if wire_type == 1:
        size = 8
    elif wire_type == 5:
        size = 4
    elif wire_type == 2:
        size, at = varint(data, at)
    else:
        raise Malformed("wire type")
    if at + size > len(data):
        raise Malformed("truncated")
    return data[at:at + size], at + size


def skip_group(data, at, number, depth):
    if depth == 0:
        raise Malformed("groups too deep")
    while True:
        inner, wire_type, at = key(data, at)
        if wire_type == 4:
            if inner != number:
                raise Malformed("end of another group")
            return at
        if wire_type == 3:
            at = skip_group(data, at, inner, depth - 1)
        else:
            _, at = raw_value(data, at, wire_type)


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def scalar(kind, raw):
    if kind == "bool":
        return raw != 0
    if kind in ("int32", "enum"):
        return signed(raw, 32)
    if kind == "int64":
        return signed(raw, 64)
    if kind == "uint32":
        return raw & 0xFFFFFFFF
    if kind == "uint64":
        return raw
    if kind == "sint32":
        raw &= 0xFFFFFFFF
        return (raw >> 1) ^ -(raw & 1)
    number = int.from_bytes(raw, "little")
    return signed(number, 64) if kind == "sfixed64" else number


class Parser:
    """Reads one request; counts its items."""

    def __init__(self):
        self.items = 0

    def parse(self, name, data, depth=0, into=None):
        tree = {} if into is None else into
        if name in ITEMS and into is None:
            self.items += 1
            if self.items > ITEMS_MAX:
                raise TooLarge("items")
        if name == "AnyValue":
            depth += 1
            if depth > DEPTH_MAX:
                raise Malformed("too deep")
        fields, at = MESSAGES[name]["by_number"], 0
        while at < len(data):
            number, wire_type, at = key(data, at)
            field = fields.get(number)
            if wire_type == 3:
                at = skip_group(data, at, number, GROUPS_MAX)
                if field:
                    raise Malformed(f"{name}.{field.name} as a group")
                continue
            raw, at = raw_value(data, at, wire_type)
            if field:
                self.take(name, tree, field, wire_type, raw, depth)
        return tree

    def take(self, name, tree, field, wire_type, raw, depth):
        if field.repeats and field.kind in PACKABLE and wire_type == 2:
            tree.setdefault(field.name, []).extend(packed(field, raw))
            return
        if wire_type != field.wire_type:
            raise Malformed(f"{name}.{field.name} has wire type {wire_type}")
        if field.oneof:
            for other in MESSAGES[name]["fields"]:
                if other.oneof == field.oneof and other is not field and other.name in tree:
                    gone = tree.pop(other.name)
                    if name == "Metric":
                        tree["_replaced"] = tree.get("_replaced", 0) + len(gone.get("data_points", []))
        if field.kind == "msg":
            if field.repeats:
                tree.setdefault(field.name, []).append(self.parse(field.message, raw, depth))
            else:
                tree[field.name] = self.parse(field.message, raw, depth, tree.get(field.name, {}))
            return
        if field.kind == "str":
            try:
                value = bytes(raw).decode("utf-8")
            except UnicodeDecodeError:
                raise Malformed(f"{name}.{field.name} is no UTF-8") from None
        elif field.kind in ("bytes", "hex"):
            value = bytes(raw)
        else:
            value = scalar(field.kind, raw)
        if field.repeats:
            tree.setdefault(field.name, []).append(value)
        else:
            tree[field.name] = value


def packed(field, raw):
    values, at = [], 0
    while at < len(raw):
        value, at = raw_value(raw, at, field.wire_type)
        values.append(scalar(field.kind, value))
    return values


def put_varint(out, value):
    value &= (1 << 64) - 1
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def put_scalar(out, kind, value):
    if kind == "sint32":
        put_varint(out, ((value << 1) ^ (value >> 31)) & 0xFFFFFFFF)
    elif kind in ("bool", "enum", "int32", "int64", "uint32", "uint64"):
        put_varint(out, int(value))
    elif kind == "fixed32":
        out += struct.pack("<I", value)
    else:
        out += struct.pack("<Q", value & ((1 << 64) - 1))


def put_field(out, field, value):
    """Appends one value under its key, even when it is the default."""
    put_varint(out, field.number << 3 | field.wire_type)
    if field.wire_type == 2:
        if field.kind == "msg":
            value = write(field.message, value)
        data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        put_varint(out, len(data))
        out += data
    else:
        put_scalar(out, field.kind, value)


def write(name, tree):
    out = bytearray()
    for field in MESSAGES[name]["fields"]:
        if field.name not in tree:
            continue
        value = tree[field.name]
        if field.repeats and field.kind in PACKABLE:
            inner = bytearray()
            for one in value:
                put_scalar(inner, field.kind, one)
            put_varint(out, field.number << 3 | 2)
            put_varint(out, len(inner))
            out += inner
            continue
        for one in value if field.repeats else [value]:
            put_field(out, field, one)
    return bytes(out)


def double_bits(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def bits_double(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]
