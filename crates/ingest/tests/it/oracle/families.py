"""What can be wrong with a request, one function for each way: it takes a sound case and spoils it.

No function says what must come of it; that is `judge`'s business, which reads the bytes.
"""

import copy
import struct

import encodings_of_bodies as bodies
import jsonform
import wire
from schema import MESSAGES, REQUESTS

GROUPS = {"traces": "resource_spans", "logs": "resource_logs", "metrics": "resource_metrics"}
SCOPES = {"traces": "scope_spans", "logs": "scope_logs", "metrics": "scope_metrics"}
NAMES = {"traces": "spans", "logs": "log_records", "metrics": "metrics"}


class Draft:
    """A case under construction: the tree, and from it the payload, and around that headers and framing."""

    def __init__(self, transport, signal, maker):
        self.transport, self.signal, self.maker, self.chance = transport, signal, maker, maker.chance
        self.tree = maker.request(signal)
        self.payload = None
        self.encoding, self.flag, self.frame = None, None, True
        self.method, self.path, self.type = "POST", None, None
        self.more_headers, self.body = [], None

    @property
    def is_json(self):
        return self.transport == "json"

    def write(self):
        name = REQUESTS[self.signal]
        self.payload = jsonform.write(name, self.tree) if self.is_json else wire.write(name, self.tree)
        return self.payload

    def sealed(self):
        """The payload as the body of the transport."""
        if self.payload is None:
            self.write()
        data = self.payload
        if self.transport != "grpc" or not self.frame:
            return data
        flag = self.flag if self.flag is not None else int(self.encoding in ("gzip", "zstd"))
        return bytes([flag]) + struct.pack(">I", len(data)) + data

    def case(self):
        body = self.body if self.body is not None else self.sealed()
        headers = list(self.more_headers)
        if self.transport == "grpc":
            path = {"traces": "trace.v1.TraceService", "logs": "logs.v1.LogsService",
                    "metrics": "metrics.v1.MetricsService"}[self.signal]
            path, form, name = f"/opentelemetry.proto.collector.{path}/Export", "application/grpc", "grpc-encoding"
        else:
            path, name = f"/v1/{self.signal}", "content-encoding"
            form = "application/json" if self.is_json else "application/x-protobuf"
        headers.append(["content-type", self.type or form])
        if self.encoding is not None:
            headers.append([name, self.encoding])
        return {"transport": self.transport, "signal": self.signal, "method": self.method, "path": self.path or path,
                "headers": headers, "body": bytes(body)}

    def items(self):
        return [item for group in self.tree[GROUPS[self.signal]] for scope in group[SCOPES[self.signal]]
                for item in scope[NAMES[self.signal]]]


def sound(draft):
    if draft.maker.maybe(0.3):
        draft.write()
        draft.encoding = draft.chance.choice(["gzip", "GZIP", "x-gzip", "identity", "zstd"])
        pack(draft)


def pack(draft):
    how = draft.encoding.lower().removeprefix("x-")
    if how == "gzip":
        draft.payload = bodies.gzip(draft.payload, draft.chance.randrange(10))
    elif how == "zstd":
        draft.payload = bodies.zstd(draft.payload, draft.maker.maybe(0.5), draft.chance.choice([100, 32_768]))


def bad_ids(draft):
    """Items without usable ids beside sound ones."""
    for item in draft.items():
        if draft.maker.maybe(0.5):
            continue
        wrong = draft.chance.choice([b"", bytes(16), bytes(8), b"\x01" * 15, b"\x01" * 17, b"\x02" * 9, b"\x03"])
        field = draft.chance.choice(["trace_id", "span_id", "parent_span_id"])
        if draft.signal == "metrics" or draft.signal == "logs" and field == "parent_span_id":
            continue
        item[field] = wrong
        if draft.signal == "traces" and draft.maker.maybe(0.2):
            item["links"] = [{"trace_id": wrong, "span_id": draft.maker.ids(8)}]


def odd_times(draft):
    """Times of zero, far ahead, and beyond what 63 bits hold."""
    odd = [0, 1, bodies.MASK, 1 << 63, (1 << 63) - 1, 1_700_000_000_000_000_000 + 601_000_000_000]
    for item in draft.items():
        for name in ("start_time_unix_nano", "end_time_unix_nano", "time_unix_nano", "observed_time_unix_nano"):
            if name in item:
                item[name] = draft.chance.choice(odd)
        for event in item.get("events", []):
            event["time_unix_nano"] = draft.chance.choice(odd)
        for kind in ("gauge", "sum", "histogram", "exponential_histogram", "summary"):
            for point in item.get(kind, {}).get("data_points", []):
                point["time_unix_nano"] = draft.chance.choice(odd)
                point["start_time_unix_nano"] = draft.chance.choice(odd)


def oversize_parts(draft):
    """Keys, texts, bytes and numbers of parts beyond the limits of one item."""
    # Cut in two between the bytes of a character, too.
    long_text = "\u00e4" * 32_767 + "\U0001f980" + "t" * draft.chance.randrange(3)
    long_key = "k" * 255 + draft.chance.choice(["", "\u00e4", "kk"])
    item = draft.chance.choice(draft.items())
    kind = draft.chance.randrange(5)
    pair = {"key": "k", "value": {"string_value": "v"}}
    where = item
    if draft.signal == "metrics":
        data = next(item[kind] for kind in
                    ("gauge", "sum", "histogram", "exponential_histogram", "summary") if kind in item)
        where = data["data_points"][0]
    if kind == 0:
        where["attributes"] = [{"key": long_key, "value": {"string_value": long_text}}]
    elif kind == 1:
        where["attributes"] = [copy.deepcopy(pair) for _ in range(draft.chance.randrange(127, 131))]
    elif kind == 2:
        where["attributes"] = [{"key": "b", "value": {"bytes_value": b"\xff" * draft.chance.randrange(65_535, 65_538)}}]
    elif kind == 3 and draft.signal == "traces":
        item["events"] = [{"name": "e", "time_unix_nano": 5} for _ in range(draft.chance.randrange(127, 131))]
        item["links"] = [{"trace_id": b"\x01" * 16, "span_id": b"\x02" * 8} for _ in range(draft.chance.randrange(127, 131))]
    elif draft.signal != "logs":
        item["name"] = long_text
    else:
        item["body"] = {"string_value": long_text}


def truncated(draft):
    data = draft.write()
    draft.payload = data[:draft.chance.randrange(len(data))]


def flipped(draft):
    data = bytearray(draft.write())
    for _ in range(draft.chance.randrange(1, 4)):
        at = draft.chance.randrange(len(data))
        data[at] = draft.chance.choice([data[at] ^ 1 << draft.chance.randrange(8), 0, 0xFF, draft.chance.randrange(256)])
    draft.payload = bytes(data)


def spliced(draft):
    """A piece is left out, doubled, or put elsewhere."""
    data = draft.write()
    start = draft.chance.randrange(len(data))
    piece = data[start:start + draft.chance.randrange(1, 40)]
    without = data[:start] + data[start + len(piece):]
    at = draft.chance.randrange(len(without) + 1)
    kind = draft.chance.randrange(3)
    draft.payload = [without, data[:start] + piece + data[start:], without[:at] + piece + without[at:]][kind]


def messages_of(name, tree, found):
    """Every message in a tree, with its name."""
    found.append((name, tree))
    for field in MESSAGES[name]["fields"]:
        if field.kind == "msg" and field.name in tree:
            value = tree[field.name]
            for one in value if field.repeats else [value]:
                messages_of(field.message, one, found)
    return found


def wrong_type(draft):
    """One field of the definitions with another wire type, or another type of JSON."""
    root = REQUESTS[draft.signal]
    if draft.is_json:
        document = jsonform.form(root, draft.tree)
        places = places_of(document, [])
        holder, key = draft.chance.choice(places)
        holder[key] = draft.chance.choice([7, -1, 1.5, "text", "12", True, None, [], {}, [None], [7], {"a": 1}, "ff", ""])
        draft.payload = jsonform.dumps(document)
        return
    name, tree = draft.chance.choice(messages_of(root, draft.tree, []))
    field = draft.chance.choice(MESSAGES[name]["fields"])
    other = draft.chance.choice([0, 1, 2, 3, 5])
    key = wire_key(field.number, other)
    value = {0: b"\x01", 1: bytes(8), 2: b"\x02\x08\x01", 3: wire_key(field.number, 4), 5: bytes(4)}[other]
    splice_into(draft, tree, key + value)


def splice_into(draft, tree, extra):
    """Writes the request with `extra` at the end of one of its messages."""
    mark = object()
    tree["_extra"] = mark
    draft.payload = write_with(REQUESTS[draft.signal], draft.tree, extra)


def write_with(name, tree, extra):
    """Like `wire.write`, with the bytes `extra` behind the message that is marked."""
    out = bytearray()
    for field in MESSAGES[name]["fields"]:
        if field.name not in tree:
            continue
        value = tree[field.name]
        if field.kind != "msg":
            out += wire.write(name, {field.name: value})
            continue
        for one in value if field.repeats else [value]:
            inner = write_with(field.message, one, extra)
            wire.put_varint(out, field.number << 3 | 2)
            wire.put_varint(out, len(inner))
            out += inner
    return bytes(out) + (extra if "_extra" in tree else b"")


def wire_key(number, wire_type):
    out = bytearray()
    wire.put_varint(out, number << 3 | wire_type)
    return bytes(out)


def places_of(document, found):
    """Every place of a document that holds a value: a holder and its key."""
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(pairs):
        found.append((document, key))
        if isinstance(value, (dict, list)):
            places_of(value, found)
    return found


def bad_text(draft):
    """Text that is no UTF-8 in one of the fields that are text."""
    texts = [(tree, field) for name, tree in messages_of(REQUESTS[draft.signal], draft.tree, [])
             for field in MESSAGES[name]["fields"] if field.kind == "str" and field.name in tree]
    tree, field = draft.chance.choice(texts)
    wrong = draft.chance.choice([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"a\x80", b"\xc0\xaf"])
    if draft.is_json:
        mark = "MARK-OF-BAD-TEXT"
        tree[field.name] = [mark] if field.repeats else mark
        text = b"\\ud800" if draft.maker.maybe(0.2) else wrong
        draft.payload = draft.write().replace(mark.encode(), text)
        return
    wrong_text = wrong.decode("utf-8", "surrogateescape")
    tree[field.name] = [wrong_text] if field.repeats else wrong_text


def unknown_fields(draft):
    """Fields that the definitions do not have: to be passed over, whatever they hold."""
    if draft.is_json:
        document = jsonform.form(REQUESTS[draft.signal], draft.tree)
        holders = [holder for holder, _ in places_of(document, []) if isinstance(holder, dict)]
        holder = draft.chance.choice(holders)
        name = draft.chance.choice(["unknown", "", "TraceId", "name ", "\u00e4", "profiles"])
        holder[name] = draft.chance.choice([1, -2.5e3, "x", None, [1, [2, {}]], {"spanId": "zz"}, True])
        draft.payload = jsonform.dumps(document)
        return
    _, tree = draft.chance.choice(messages_of(REQUESTS[draft.signal], draft.tree, []))
    number = draft.chance.choice([100, 1000, 536_870_911, 19_000])
    kinds = {0: b"\x96\x01", 1: bytes(8), 2: b"\x03abc", 5: bytes(4), 3: b"\x08\x01" + wire_key(number, 4),
             4: b"", 6: b"", 7: b""}
    kind = draft.chance.choice([0, 0, 1, 2, 2, 3, 3, 5, 4, 6, 7])
    splice_into(draft, tree, wire_key(number, kind) + kinds[kind])


def deep(draft):
    """Values that nest about as deep as they may, and deeper."""
    levels = draft.chance.choice([2, 20, 30, 31, 32, 33, 34, 40, 60, 100])
    value = {"int_value": 1}
    for _ in range(levels - 1):
        if draft.maker.maybe(0.5):
            value = {"array_value": {"values": [value]}}
        else:
            value = {"kvlist_value": {"values": [{"key": "k", "value": value}]}}
    group = draft.tree[GROUPS[draft.signal]][0]
    scope = group[SCOPES[draft.signal]][0]
    place = draft.chance.choice(["item", "resource", "scope"])
    pair = {"key": "deep", "value": value}
    if place == "resource":
        group["resource"] = {"attributes": [pair]}
    elif place == "scope":
        scope["scope"] = {"attributes": [pair]}
    elif draft.signal == "metrics":
        scope["metrics"][0]["metadata"] = [pair]
    else:
        scope[NAMES[draft.signal]][0]["attributes"] = [pair]


def bad_encoding(draft):
    """Bodies whose encoding is unknown, told twice, or not what is told."""
    data = draft.write()
    draft.encoding = draft.chance.choice(["gzip", "gzip", "zstd"])
    kind = draft.chance.randrange(9)
    if kind == 0:
        draft.encoding = draft.chance.choice(["br", "deflate", "gzip, gzip", "snappy", "gzipp", "gzip;q=1", "*"])
    elif kind == 1:
        name = "grpc-encoding" if draft.transport == "grpc" else "content-encoding"
        draft.more_headers.append([name, "gzip"])
        pack(draft)
    elif kind == 2:
        draft.payload = draft.chance.choice([data, b"\x1f\x8b", b"\x1f\x8b\x09" + bytes(9), b"\x28\xb5\x2f", b"no gzip"])
    else:
        pack(draft)
        spoil_packed(draft, kind)


def spoil_packed(draft, kind):
    data = bytearray(draft.payload)
    if kind == 3:
        draft.payload = bytes(data[:draft.chance.randrange(1, len(data))])
    elif kind == 4:
        draft.payload = bytes(data) + draft.chance.choice([b"\x01", b"trailing garbage", b"\x1f\x8b"])
    elif kind == 5:
        # The checksum or the length at the end of a member; the magic of a frame.
        at = -draft.chance.randrange(1, 9) if draft.encoding == "gzip" else draft.chance.randrange(4)
        data[at] ^= 1 << draft.chance.randrange(8)
        draft.payload = bytes(data)
    elif kind == 6:
        # A second member or frame, which continues the first.
        half = bodies.gzip(b"") if draft.encoding == "gzip" else b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + bodies.zstd(b"")
        draft.payload = bytes(data) + half
    elif kind == 7 and draft.encoding == "gzip":
        at = draft.chance.randrange(10, len(data))
        data[at] ^= 1 << draft.chance.randrange(8)
        draft.payload = bytes(data)
    elif kind == 7:
        draft.payload = bodies.zstd(draft.write(), True)
        data = bytearray(draft.payload)
        data[draft.chance.choice([-1, -2, -3, -4, 20])] ^= 1 << draft.chance.randrange(8)
        draft.payload = bytes(data)
    else:
        # Packed twice, and told once.
        pack(draft)


def wrong_door(draft):
    """Other paths, methods and content types."""
    kind = draft.chance.randrange(3)
    if kind == 0:
        http = ["/", "/v1/profiles", "/v1/traces/", "/V1/traces", "/v1", "/v1/trace", "/v2/traces", "//v1/traces"]
        grpc = ["/", "/x.Y/Z", "/opentelemetry.proto.collector.trace.v1.TraceService/export",
                "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", "/v1/traces"]
        draft.path = draft.chance.choice(grpc if draft.transport == "grpc" else http)
    elif kind == 1:
        draft.method = draft.chance.choice(["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
    elif draft.transport == "grpc":
        draft.type = draft.chance.choice(["application/grpc+json", "application/json", "text/csv", "application/grpcx",
                                          "application/grpc+proto", "application/grpc;charset=utf-8"])
    else:
        draft.type = draft.chance.choice([
            "text/csv", "application/protobuf", "application/octet-stream", "application/x-protobuf+json", "x",
            "application/grpc", "Application/X-Protobuf; v=1" if not draft.is_json else "APPLICATION/JSON;charset=utf-8"])


def too_large(draft):
    """Over the limit on the wire, after decompression, in the ratio, and in the number of items."""
    kind = draft.chance.randrange(5)
    filler = b" " * 2_500_000 if draft.is_json else wire_key(100, 2) + b"\xa0\xcb\x98\x01" + bytes(2_500_000)
    if kind == 0:
        draft.payload = b" " * (bodies.WIRE_MAX + draft.chance.choice([1, 2, 50_000]))
    elif kind == 1:
        draft.encoding, draft.payload = "gzip", bodies.gzip(filler)
    elif kind == 2:
        draft.encoding, draft.payload = "gzip", bodies.gzip(bytes(1_900_000), 9)
    elif kind == 3:
        draft.encoding, draft.payload = "zstd", bodies.zstd(bytes(draft.chance.choice([1_900_000, 2_500_000])), repeat=True)
    else:
        many(draft)


def many(draft):
    """Very many items, and one more than there may be; all of them without ids, so that nothing is stored."""
    count = draft.chance.choice([50_000, wire.ITEMS_MAX + 1])
    draft.signal = "traces"
    if draft.is_json:
        document = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * (count - 1) + b"{}]}]}]}"
    else:
        scope = b"\x12\x00" * count
        group = wire_key(2, 2) + sized(scope)
        document = wire_key(1, 2) + sized(group)
    draft.encoding, draft.payload = "gzip", bodies.gzip(document, 1)


def sized(data):
    out = bytearray()
    wire.put_varint(out, len(data))
    return bytes(out) + data


def dialect(draft):
    """Names, enums, ids and numbers in the ways that JSON has and OTLP does not allow, or does."""
    if not draft.is_json:
        merged_or_doubled(draft)
        return
    document = jsonform.form(REQUESTS[draft.signal], draft.tree)
    places = [(holder, key) for holder, key in places_of(document, []) if isinstance(holder, dict)]
    holder, key = draft.chance.choice(places)
    value, kind = holder[key], draft.chance.randrange(6)
    if kind == 0:
        snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in key)
        holder[snake] = holder.pop(key)
    elif kind == 1:
        for name, told in [("kind", "SPAN_KIND_SERVER"), ("code", "STATUS_CODE_ERROR"), ("severityNumber", "SEVERITY_NUMBER_INFO"),
                           ("aggregationTemporality", "AGGREGATION_TEMPORALITY_DELTA")]:
            for place, other in places:
                if other == name:
                    place[other] = told
    elif kind == 2:
        for place, other in places:
            if other in ("traceId", "spanId") and isinstance(place[other], str):
                text = place[other]
                place[other] = draft.chance.choice([text.upper(), text[:-1], text[:-1] + "g", "W47/95gDgQPSabYzgT/GDA=="])
    elif kind == 3:
        for place, other in places:
            if isinstance(place[other], str) and (other.endswith("UnixNano") or other in ("intValue", "asInt", "count")):
                told = int(place[other])
                # Beyond 2^53 a number with a fraction or an exponent is read in two ways by official libraries.
                exact = float(told) if abs(told) <= 1 << 53 else told
                place[other] = draft.chance.choice([told, exact, str(told) + ".5", f" {told}", "", "1e3x", told + (1 << 64)])
    elif kind == 4:
        text = jsonform.dumps(value).decode("utf-8", "surrogateescape")
        draft.payload = jsonform.dumps(document)
        one = jsonform.dumps({key: value})[1:-1]
        draft.payload = draft.payload.replace(one, one + b"," + one, 1) if text else draft.payload
        return
    else:
        draft.payload = draft.chance.choice([
            b"", b"null", b"[]", b"7", b'"x"', b"{", b"{}", b"{}{}", b"{} ", b"{}\x00", b'{"resourceSpans":null}', b"nul",
            b'{"resourceSpans":[null]}', b"{'a':1}", b'{"a":NaN}', b'{"a":01}', b'{"a":"\x01"}', b'{"a":1,}', b"\xef\xbb\xbf{}"])
        return
    draft.payload = jsonform.dumps(document)


def merged_or_doubled(draft):
    """The fields of a message told twice, which protobuf merges, and several kinds of one value, of which the last counts."""
    name, tree = draft.chance.choice(messages_of(REQUESTS[draft.signal], draft.tree, []))
    other = draft.maker.request(draft.signal)
    same = [one for kind, one in messages_of(REQUESTS[draft.signal], other, []) if kind == name]
    again = wire.write(name, draft.chance.choice(same)) if same else wire.write(name, tree)
    splice_into(draft, tree, again)


def framing(draft):
    """Bodies that are cut or framed in other ways than the transport has."""
    if draft.transport != "grpc":
        draft.payload = draft.chance.choice([b"", b"\x00", b"{}", b"\xff", b" ", b"\n", b"\x0a\x00", b"null"])
        if draft.maker.maybe(0.3):
            draft.more_headers.append(["transfer-encoding", "chunked"])
        return
    message = draft.sealed()
    kind = draft.chance.randrange(9)
    if kind == 0:
        draft.body = draft.chance.choice([b"", b"\x00", b"\x00\x00\x00", b"\x00\x00\x00\x00"])
    elif kind == 1:
        draft.body = message[:-draft.chance.randrange(1, min(len(message) - 5, 50) + 1)]
    elif kind == 2:
        draft.body = message + message
    elif kind == 3:
        draft.body = message + bytes(draft.chance.choice([1, 5]))
    elif kind == 4:
        draft.flag = draft.chance.choice([2, 3, 0x80, 0xFF])
    elif kind == 5:
        draft.flag = 1
    elif kind == 6:
        draft.body = message[:1] + struct.pack(">I", draft.chance.choice([0, 1, 0xFFFFFFFF, 100_001])) + message[5:]
    elif kind == 7:
        draft.encoding, draft.flag = "gzip", 1
    else:
        draft.frame = False


# Name, function, and of a hundred cases how many.
ALL = [
    ("sound", sound, 6), ("bad_ids", bad_ids, 9), ("odd_times", odd_times, 5), ("oversize_parts", oversize_parts, 3),
    ("truncated", truncated, 9), ("flipped", flipped, 20), ("spliced", spliced, 7), ("wrong_type", wrong_type, 8),
    ("bad_text", bad_text, 5), ("unknown_fields", unknown_fields, 5), ("deep", deep, 3), ("bad_encoding", bad_encoding, 8),
    ("wrong_door", wrong_door, 4), ("too_large", too_large, 1), ("dialect", dialect, 5), ("framing", framing, 2),
]
