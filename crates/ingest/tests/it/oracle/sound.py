"""Seeded requests that are sound, as the dictionaries of `wire`: every message, every kind of value, odd but legal times.

Ids are drawn so that no two items of a run share them. What is made wrong is made so elsewhere.
"""

from wire import double_bits

CLOCK = 1_700_000_000_000_000_000
TEXTS = ["", "GET /", "checkout", "\u00e4\u00f6", "\U0001f980", "a b\tc\n", "x" * 40, "null", "\u0000", "\u200b", '"\\/']
DOUBLES = [
    0.0, -0.0, 1.5, -2.25, 1e308, 5e-324, 2.0**53, 0.1, float("nan"), float("inf"), float("-inf"), 123456789.125]
INTS = [0, 1, -1, (1 << 63) - 1, -(1 << 63), (1 << 53) + 1, 1 << 31, -(1 << 31), 42]
KEYS = ["http.route", "db.system", "k", "", "\u00e4", "user.id", "rpc.method"]


class Maker:
    """Draws messages from a seeded generator."""

    def __init__(self, chance):
        self.chance = chance

    def maybe(self, share):
        return self.chance.random() < share

    def text(self):
        return self.chance.choice(TEXTS) if self.maybe(0.7) else f"t{self.chance.randrange(10**6)}"

    def bits(self):
        return double_bits(self.chance.choice(DOUBLES) if self.maybe(0.7) else self.chance.uniform(-1e6, 1e6))

    def time(self):
        if self.maybe(0.85):
            return CLOCK - self.chance.randrange(3_600_000_000_000)
        return self.chance.choice([1, CLOCK + 599_000_000_000, CLOCK, 1_000_000_000])

    def value(self, levels=3):
        kind = self.chance.randrange(8 if levels else 6)
        if kind == 0:
            return {"string_value": self.text()}
        if kind == 1:
            return {"bool_value": self.maybe(0.5)}
        if kind == 2:
            return {"int_value": self.chance.choice(INTS)}
        if kind == 3:
            return {"double_value": self.bits()}
        if kind == 4:
            return {"bytes_value": self.chance.randbytes(self.chance.randrange(9))}
        if kind == 5:
            return {}
        several = range(self.chance.randrange(3))
        if kind == 6:
            return {"array_value": {"values": [self.value(levels - 1) for _ in several]}}
        return {"kvlist_value": {"values": [self.pair(levels - 1) for _ in several]}}

    def pair(self, levels=3):
        return {"key": self.chance.choice(KEYS), "value": self.value(levels)}

    def pairs(self, most=3):
        return [self.pair() for _ in range(self.chance.randrange(most + 1))]

    def ids(self, length):
        return self.chance.randbytes(length - 1) + b"\x01"

    def resource(self):
        name = {"key": "service.name", "value": {"string_value": self.chance.choice(["shop", "pay"])}}
        resource = {"attributes": [name, *self.pairs(2)]}
        if self.maybe(0.2):
            resource["dropped_attributes_count"] = 3
            resource["entity_refs"] = [{"schema_url": "u", "type": "service", "id_keys": ["service.name"]}]
        return resource

    def scope(self):
        return {"name": self.text(), "version": "1.0", "attributes": self.pairs(1), "dropped_attributes_count": 1}

    def span(self):
        start = self.time()
        span = {
            "trace_id": self.ids(16), "span_id": self.ids(8), "name": self.text(), "kind": self.chance.randrange(6),
            "start_time_unix_nano": start, "end_time_unix_nano": max(start + self.chance.randrange(-5, 10**9), 1),
            "attributes": self.pairs()}
        if self.maybe(0.4):
            span["parent_span_id"] = self.ids(8)
        if self.maybe(0.3):
            event = {"time_unix_nano": self.time(), "name": self.text(), "attributes": self.pairs(1)}
            span["events"] = [{**event, "dropped_attributes_count": 2}]
        if self.maybe(0.3):
            link = {"trace_id": self.ids(16), "span_id": self.ids(8), "trace_state": "a=1"}
            span["links"] = [{**link, "attributes": self.pairs(1), "flags": 1}]
        if self.maybe(0.4):
            span["status"] = {"message": self.text(), "code": self.chance.randrange(3)}
        if self.maybe(0.3):
            span.update(trace_state="b=2", dropped_attributes_count=1, dropped_events_count=2, dropped_links_count=3,
                        flags=257)
        return span

    def log(self):
        log = {"time_unix_nano": self.time(), "severity_number": self.chance.randrange(25), "body": self.value(),
               "attributes": self.pairs()}
        if self.maybe(0.5):
            log.update(trace_id=self.ids(16), span_id=self.ids(8))
        if self.maybe(0.4):
            log.update(severity_text="INFO", observed_time_unix_nano=self.time(), dropped_attributes_count=1, flags=1,
                       event_name="e")
        return log

    def exemplar(self):
        value = {"as_double": self.bits()} if self.maybe(0.5) else {"as_int": self.chance.choice(INTS)}
        return {"time_unix_nano": self.time(), "span_id": self.ids(8), "trace_id": self.ids(16), **value,
                "filtered_attributes": self.pairs(1)}

    def point(self, kind):
        point = {"start_time_unix_nano": self.time(), "time_unix_nano": self.time(), "attributes": self.pairs(2)}
        if kind in ("gauge", "sum"):
            if self.maybe(0.9):
                point.update({"as_double": self.bits()} if self.maybe(0.5) else {"as_int": self.chance.choice(INTS)})
        else:
            point["count"] = self.chance.choice([0, 1, (1 << 64) - 1, 77])
            if self.maybe(0.8):
                point["sum"] = self.bits()
        if kind == "histogram":
            point.update(bucket_counts=[1, 0, 1 << 40], explicit_bounds=[self.bits(), self.bits()], min=self.bits())
        if kind == "exponential_histogram":
            buckets = {"offset": -3, "bucket_counts": [1, 300]}
            point.update(scale=-2, zero_count=1, positive=buckets, negative=buckets, zero_threshold=0)
        if kind == "summary":
            point["quantile_values"] = [{"quantile": self.bits(), "value": self.bits()}]
        elif self.maybe(0.2):
            point["exemplars"] = [self.exemplar()]
        if self.maybe(0.2):
            point["flags"] = 1
        return point

    def metric(self):
        kind = self.chance.choice(["gauge", "sum", "histogram", "exponential_histogram", "summary"])
        data = {"data_points": [self.point(kind) for _ in range(self.chance.randrange(1, 3))]}
        if kind not in ("gauge", "summary"):
            data["aggregation_temporality"] = self.chance.randrange(3)
        if kind == "sum":
            data["is_monotonic"] = self.maybe(0.5)
        metric = {"name": self.text(), "description": "d", "unit": self.chance.choice(["ms", "By", ""]), kind: data}
        if self.maybe(0.2):
            metric["metadata"] = self.pairs(1)
        return metric

    def item(self, signal):
        return {"traces": self.span, "logs": self.log, "metrics": self.metric}[signal]()

    def request(self, signal, items=None):
        """One or two resources with one or two scopes each."""
        groups, scopes, name = {
            "traces": ("resource_spans", "scope_spans", "spans"),
            "logs": ("resource_logs", "scope_logs", "log_records"),
            "metrics": ("resource_metrics", "scope_metrics", "metrics"),
        }[signal]
        told = []
        for _ in range(self.chance.randrange(1, 3)):
            count = self.chance.randrange(1, 4) if items is None else items
            scope = {"scope": self.scope(), name: [self.item(signal) for _ in range(count)], "schema_url": "s"}
            told.append({"resource": self.resource(), scopes: [scope], "schema_url": "r"})
        return {groups: told}
