"""What must become of a parsed request: which items are stored and how, which are rejected, what is repaired.

The rules are those of OTLP and of its definitions (ids, enums, merged fields), and the limits that this receiver
promises. Stored items are told in the canonical form that the harness makes of what it finds.
"""

from wire import double_bits

KEY_MAX, VALUE_MAX, PARTS_MAX = 256, 65_536, 128
AHEAD_NS = 600_000_000_000
I64_MAX = (1 << 63) - 1
CLOCK = 1_700_000_000_000_000_000


class Outcome:
    """The items of one request, and how many were rejected and repaired."""

    def __init__(self):
        self.stored, self.rejected, self.repaired = [], 0, 0

    def cut(self, text, limit):
        data = text.encode()
        if len(data) <= limit:
            return text
        self.repaired += 1
        return data[:limit].decode("utf-8", "ignore")

    def value(self, tree):
        if not tree:
            return None
        (name, value), = tree.items()
        if name == "string_value":
            return {"s": self.cut(value, VALUE_MAX)}
        if name == "bool_value":
            return {"b": value}
        if name == "int_value":
            return {"i": str(value)}
        if name == "double_value":
            return {"d": f"{value:016x}"}
        if name == "bytes_value":
            self.repaired += len(value) > VALUE_MAX
            return {"y": value[:VALUE_MAX].hex()}
        if name == "array_value":
            return {"l": [self.value(one) for one in value.get("values", [])]}
        if name == "kvlist_value":
            return {"m": [self.pair(one) for one in value.get("values", [])]}
        return None

    def pair(self, tree):
        return [self.cut(tree.get("key", ""), KEY_MAX), self.value(tree.get("value"))]

    def attributes(self, trees):
        pairs = [self.pair(tree) for tree in trees]
        self.repaired += max(len(pairs) - PARTS_MAX, 0)
        return pairs[:PARTS_MAX]

    def clamp(self, sent):
        self.repaired += sent > I64_MAX
        return str(min(sent, I64_MAX))

    def time(self, sent, otherwise):
        if sent == 0:
            self.repaired += 1
            return otherwise
        at = min(sent, I64_MAX)
        self.repaired += at - CLOCK > AHEAD_NS
        return at

    def parts(self, made):
        self.repaired += max(len(made) - PARTS_MAX, 0)
        return made[:PARTS_MAX]

    def span(self, tree, resource):
        attributes = self.attributes(tree.get("attributes", []))
        events = [
            [self.clamp(event.get("time_unix_nano", 0)), self.cut(event.get("name", ""), VALUE_MAX),
             self.attributes(event.get("attributes", []))]
            for event in tree.get("events", [])]
        links = []
        for link in tree.get("links", []):
            told = self.attributes(link.get("attributes", []))
            trace, span = link.get("trace_id", b""), link.get("span_id", b"")
            if is_id(trace, 16) and is_id(span, 8):
                links.append([trace.hex(), span.hex(), told])
            else:
                self.repaired += 1
        trace, own, parent = (tree.get(name, b"") for name in ("trace_id", "span_id", "parent_span_id"))
        if not is_id(trace, 16) or not is_id(own, 8) or len(parent) not in (0, 8):
            self.rejected += 1
            return
        start = self.time(tree.get("start_time_unix_nano", 0), CLOCK)
        end = self.time(tree.get("end_time_unix_nano", 0), start)
        kind, status = tree.get("kind", 0), tree.get("status", {})
        code = status.get("code", 0)
        self.stored.append({
            "trace": trace.hex(), "span": own.hex(), "parent": parent.hex() if any(parent) else None,
            "name": self.cut(tree.get("name", ""), VALUE_MAX), "kind": kind if 0 <= kind <= 5 else 0,
            "start": str(start), "end": str(end), "status": code if 0 <= code <= 2 else 0,
            "message": self.cut(status.get("message", ""), VALUE_MAX), "attributes": attributes,
            "events": self.parts(events), "links": self.parts(links), "resource": resource})

    def log(self, tree, resource):
        trace, span = tree.get("trace_id", b""), tree.get("span_id", b"")
        self.repaired += len(trace) not in (0, 16) or len(span) not in (0, 8)
        at = self.time(tree.get("time_unix_nano", 0) or tree.get("observed_time_unix_nano", 0), CLOCK)
        self.stored.append({
            "at": str(at), "trace": trace.hex() if is_id(trace, 16) else None,
            "span": span.hex() if is_id(span, 8) else None, "severity": tree.get("severity_number", 0),
            "body": self.value(tree.get("body")), "attributes": self.attributes(tree.get("attributes", [])),
            "resource": resource})

    def metric(self, tree, resource):
        self.rejected += tree.get("_replaced", 0)
        name = self.cut(tree.get("name", ""), VALUE_MAX)
        unit = self.cut(tree.get("unit", ""), VALUE_MAX)
        for kind in ("gauge", "sum", "histogram", "exponential_histogram", "summary"):
            data = tree.get(kind)
            for point in (data or {}).get("data_points", []):
                temporality = {"gauge": 0, "summary": 2}.get(kind, data.get("aggregation_temporality", 0))
                self.stored.append({
                    "name": name, "unit": unit, "start": self.clamp(point.get("start_time_unix_nano", 0)),
                    "at": str(self.time(point.get("time_unix_nano", 0), CLOCK)),
                    "temporality": temporality if temporality in (1, 2) else 0,
                    "monotonic": kind == "sum" and data.get("is_monotonic", False),
                    "value": number(point) if kind in ("gauge", "sum") else distribution(point, kind),
                    "attributes": self.attributes(point.get("attributes", [])), "resource": resource})


def is_id(data, length):
    return len(data) == length and any(data)


def number(point):
    """Numbers are kept as doubles; NaN says that nothing was recorded."""
    if "as_double" in point:
        return {"n": f"{point['as_double']:016x}"}
    if "as_int" in point:
        return {"n": f"{double_bits(float(point['as_int'])):016x}"}
    return {"n": f"{0x7FF8 << 48:016x}"}


def distribution(point, kind):
    told = point.get("sum", 0 if kind == "summary" else None)
    return {"c": str(point.get("count", 0)), "s": None if told is None else f"{told:016x}"}


def apply(signal, tree):
    """The outcome of a whole request."""
    outcome = Outcome()
    groups, scopes, items, take = {
        "traces": ("resource_spans", "scope_spans", "spans", outcome.span),
        "logs": ("resource_logs", "scope_logs", "log_records", outcome.log),
        "metrics": ("resource_metrics", "scope_metrics", "metrics", outcome.metric),
    }[signal]
    for group in tree.get(groups, []):
        resource = outcome.attributes(group.get("resource", {}).get("attributes", []))
        for scope in group.get(scopes, []):
            for item in scope.get(items, []):
                take(item, resource)
    return outcome
