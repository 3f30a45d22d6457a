"""OTLP/JSON: strict reading into the dictionaries of `wire`, and writing.

The JSON form of protobuf with the exceptions of OTLP: ids in hex, enums as integers only, names in lowerCamelCase only,
and anything else is an unknown field that is passed over.
"""

import base64
import json
import math
import re

from schema import ITEMS, MESSAGES
from wire import DEPTH_MAX, ITEMS_MAX, Malformed, TooLarge, bits_double, double_bits

NAN_BITS = 0x7FF8 << 48
SPECIAL = {"NaN": NAN_BITS, "Infinity": 0x7FF0 << 48, "-Infinity": 0xFFF0 << 48}
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
RANGES = {
    "int32": (-(1 << 31), (1 << 31) - 1), "enum": (-(1 << 31), (1 << 31) - 1), "sint32": (-(1 << 31), (1 << 31) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1), "sfixed64": (-(1 << 63), (1 << 63) - 1),
    "uint32": (0, (1 << 32) - 1), "fixed32": (0, (1 << 32) - 1),
    "uint64": (0, (1 << 64) - 1), "fixed64": (0, (1 << 64) - 1),
}


class Pairs(list):
    """An object as its pairs, so that a name that stands twice is seen."""


def refuse(text):
    raise Malformed(f"constant {text}")


class Parser:
    """Reads one document; counts its items."""

    def __init__(self):
        self.items = 0

    def parse(self, name, data):
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("no UTF-8") from None
        try:
            document = json.loads(text, object_pairs_hook=Pairs, parse_constant=refuse)
        except (ValueError, RecursionError) as error:
            raise Malformed(str(error)) from None
        return self.message(name, document, 0)

    def message(self, name, document, depth):
        if not isinstance(document, Pairs):
            raise Malformed(f"{name} is no object")
        if name in ITEMS:
            self.items += 1
            if self.items > ITEMS_MAX:
                raise TooLarge("items")
        if name == "AnyValue":
            depth += 1
            if depth > DEPTH_MAX:
                raise Malformed("too deep")
        tree, seen, chosen = {}, set(), set()
        for given, value in document:
            field = MESSAGES[name]["by_json"].get(given)
            if field is None:
                continue
            if given in seen:
                raise Malformed(f"{name}.{given} stands twice")
            seen.add(given)
            if value is None:
                continue
            if field.oneof:
                if field.oneof in chosen:
                    raise Malformed(f"{name} has two of its {field.oneof}")
                chosen.add(field.oneof)
            if field.repeats:
                if not isinstance(value, list) or isinstance(value, Pairs):
                    raise Malformed(f"{name}.{given} is no list")
                tree[field.name] = [self.value(field, one, depth) for one in value]
            else:
                tree[field.name] = self.value(field, value, depth)
        return tree

    def value(self, field, value, depth):
        if field.kind == "msg":
            return self.message(field.message, value, depth)
        if field.kind == "bool":
            return expect(isinstance(value, bool), value)
        if isinstance(value, bool):
            raise Malformed("a boolean")
        if field.kind in ("str", "bytes", "hex"):
            expect(isinstance(value, str), value)
            return text_value(field.kind, value)
        if field.kind == "double":
            return double(value)
        return integer(field.kind, value)


def expect(holds, value):
    if not holds:
        raise Malformed(f"unexpected {type(value).__name__}")
    return value


def text_value(kind, text):
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Malformed("a lone surrogate") from None
    if kind == "str":
        return text
    if kind == "hex":
        if len(text) % 2 or not re.fullmatch(r"[0-9a-fA-F]*", text):
            raise Malformed("no hex")
        return bytes.fromhex(text)
    digits = text.rstrip("=")
    if len(digits) % 4 == 1 or len(text) - len(digits) > 2 or not re.fullmatch(r"[A-Za-z0-9+/_-]*", digits):
        raise Malformed("no base64")
    digits = digits.replace("-", "+").replace("_", "/")
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


def double(value):
    if isinstance(value, str):
        if value in SPECIAL:
            return SPECIAL[value]
        expect(NUMBER.match(value), value)
        value = float(value)
    expect(isinstance(value, (int, float)), value)
    try:
        value = float(value)
    except OverflowError:
        raise Malformed("out of range") from None
    expect(math.isfinite(value), value)
    return double_bits(value)


def integer(kind, value):
    if isinstance(value, str):
        expect(kind != "enum" and re.fullmatch(r"-?(0|[1-9][0-9]*)", value), value)
        value = int(value)
    if isinstance(value, float):
        expect(math.isfinite(value) and value == math.floor(value), value)
        value = int(value)
    expect(isinstance(value, int), value)
    low, high = RANGES[kind]
    expect(low <= value <= high, value)
    return value


def form(name, tree):
    """The document of a message as Python values, ready to be written or spoilt."""
    out = {}
    for field in MESSAGES[name]["fields"]:
        if field.name in tree and not field.no_json:
            value = tree[field.name]
            out[field.json] = [one(field, each) for each in value] if field.repeats else one(field, value)
    return out


def one(field, value):
    if field.kind == "msg":
        return form(field.message, value)
    if field.kind == "hex":
        return value.hex()
    if field.kind == "bytes":
        return base64.b64encode(value).decode()
    if field.kind == "double":
        number = bits_double(value)
        return number if math.isfinite(number) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(number)]
    if field.kind in ("fixed64", "sfixed64", "int64", "uint64"):
        return str(value)
    return value


def write(name, tree):
    return dumps(form(name, tree))


def dumps(document):
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogateescape")
