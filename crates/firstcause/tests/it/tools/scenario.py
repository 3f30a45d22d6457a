"""A seeded hour of three services, sent as OTLP; every tool's answer is compared with figures computed here.

Usage: scenario.py OTLP_URL HTTP_URL SEED [DIALECT]. Standard library only. It shares no code with what it checks.
"""

import json
import math
import random
import sys
import time
import urllib.request

OTLP, HTTP, SEED = sys.argv[1], sys.argv[2], int(sys.argv[3])
DIALECT = sys.argv[4] if len(sys.argv) > 4 else "default"
MS, SECOND = 1_000_000, 1_000_000_000
NOW = (time.time_ns() // SECOND - 20) * SECOND
BAD_FROM = NOW - 300 * SECOND
# What quantiles of the store may be off, relative.
QUANTILE_ERROR = 0.02
RNG = random.Random(SEED)
failures = []


def check(what, got, expected, relative=0.0):
    close = (
        math.isclose(got, expected, rel_tol=relative, abs_tol=1e-9)
        if isinstance(expected, float)
        else got == expected
    )
    print(("ok   " if close else "WRONG"), what, "got", got, "expected", expected)
    if not close:
        failures.append(what)


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def tool(name, **arguments):
    return post(f"{HTTP}/api/v1/tools/{name}", arguments)


def rfc3339(nanos):
    seconds, rest = divmod(nanos, SECOND)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // MS:03d}Z"


def quantile(values, share):
    """The smallest value that at least this share of all does not exceed."""
    values = sorted(values)
    return values[max(0, math.ceil(share * len(values)) - 1)]


class Span:
    def __init__(self, trace, number, parent, service, version, name, kind, start, duration, error, region):
        self.trace, self.id = trace, f"{(trace << 8 | number) & (2**64 - 1):016x}"
        self.parent = f"{(trace << 8 | parent) & (2**64 - 1):016x}" if parent else ""
        self.service, self.version, self.name, self.kind = service, version, name, kind
        self.start, self.duration, self.error, self.region = start, duration, error, region

    def otlp(self):
        attributes = {"region": self.region} if self.kind == 2 else {}
        if self.name == "SELECT orders":
            attributes = {"db.system.name": "postgresql", "db.query.summary": "SELECT orders"}
        return {
            "traceId": f"{self.trace:032x}",
            "spanId": self.id,
            "parentSpanId": self.parent,
            "name": self.name,
            "kind": self.kind,
            "startTimeUnixNano": str(self.start),
            "endTimeUnixNano": str(self.start + self.duration),
            "attributes": pairs(attributes),
            "status": {"code": 2} if self.error else {},
        }


def pairs(attributes):
    return [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]


def request(trace, at):
    """gateway -> orders -> its database, and gateway -> billing."""
    is_bad = at >= BAD_FROM
    region = RNG.choice(["eu", "us", "ap"])
    query = round(RNG.lognormvariate(0, 0.2) * 8 * MS) + (120 * MS if is_bad and region == "eu" else 0)
    billing_fails = is_bad and RNG.random() < 0.04
    version = "1.1.0" if is_bad else "1.0.0"
    orders = query + 4 * MS
    billing = round(RNG.lognormvariate(0, 0.3) * 5 * MS)
    spans = [
        Span(trace, 1, 0, "gateway", "1", "GET /checkout", 2, at, orders + billing + 6 * MS, billing_fails, region),
        Span(trace, 2, 1, "gateway", "1", "GET orders", 3, at + MS, orders + 2 * MS, False, region),
        Span(trace, 3, 2, "orders", version, "GET /orders", 2, at + 2 * MS, orders, False, region),
        Span(trace, 4, 3, "orders", version, "SELECT orders", 3, at + 4 * MS, query, False, region),
        Span(trace, 5, 1, "gateway", "1", "POST billing", 3, at + orders + 3 * MS, billing + 2 * MS, billing_fails, region),
        Span(trace, 6, 5, "billing", "7", "POST /charge", 2, at + orders + 4 * MS, billing, billing_fails, region),
    ]
    line = f"charge {trace} declined: card expired" if billing_fails else f"charge {trace} done"
    return spans, (at + orders + 5 * MS, trace, billing_fails, line)


def resource(service, version):
    return {"attributes": pairs({"service.name": service, "service.version": version, "service.instance.id": service + "-1"})}


def send(spans, lines):
    by_resource = {}
    for span in spans:
        by_resource.setdefault((span.service, span.version), []).append(span.otlp())
    body = [
        {"resource": resource(*key), "scopeSpans": [{"scope": {"name": "t"}, "spans": part}]}
        for key, part in by_resource.items()
    ]
    post(f"{OTLP}/v1/traces", {"resourceSpans": body})
    records = [
        {
            "timeUnixNano": str(at),
            "severityNumber": 17 if failed else 9,
            "body": {"stringValue": line},
            "traceId": f"{trace:032x}",
        }
        for at, trace, failed, line in lines
    ]
    body = [{"resource": resource("billing", "7"), "scopeLogs": [{"scope": {"name": "t"}, "logRecords": records}]}]
    post(f"{OTLP}/v1/logs", {"resourceLogs": body})


def generated():
    times = [NOW - 3900 * SECOND + round(n * 3600 * SECOND / 1800) for n in range(1800)]
    times += [BAD_FROM + round(n * 295 * SECOND / 900) for n in range(900)]
    spans, lines = [], []
    for number, at in enumerate(times):
        more, line = request((SEED << 40) + number + 1, at)
        spans += more
        lines.append(line)
    return spans, lines


def entries(spans, service, start, end):
    """Entry spans that ended in the seconds of a window."""
    ended = lambda span: (span.start + span.duration) // SECOND * SECOND
    return [s for s in spans if s.kind == 2 and s.service == service and start <= ended(s) < end]


def check_status(spans):
    reply = tool("status", end=rfc3339(NOW))
    rows = {row["name"]: row for row in reply["structured"]["rows"]}
    check("services", sorted(rows), ["billing", "gateway", "orders"])
    for service, row in rows.items():
        lately, before = entries(spans, service, BAD_FROM, NOW), entries(spans, service, BAD_FROM - 3600 * SECOND, BAD_FROM)
        check(f"{service} per minute", row["requests_per_min"], len(lately) / 5.0, 1e-6)
        check(f"{service} failure rate", row["failure_rate"], sum(s.error for s in lately) / len(lately), 1e-6)
        check(f"{service} p95", row["p95_ms"], quantile([s.duration for s in lately], 0.95) / MS, QUANTILE_ERROR)
        p95 = quantile([s.duration for s in before], 0.95) / MS
        check(f"{service} p95 before", row["before_p95_ms"], p95, QUANTILE_ERROR)
    # Both are more than five times as slow; the gateway fails besides.
    check("the worst come first", [row["name"] for row in reply["structured"]["rows"][:2]], ["gateway", "orders"])
    one = tool("status", service="orders", end=rfc3339(NOW))["structured"]["rows"]
    check("operations of orders", [row["name"] for row in one], ["GET /orders"])


def check_logs(lines):
    window = {"start": rfc3339(BAD_FROM), "end": rfc3339(NOW)}
    inside = [line for line in lines if BAD_FROM <= line[0] < NOW]
    declined = [line for line in inside if line[2]]
    found = tool("logs", text="DECLINED", **window)
    check("declined lines", found["structured"]["total"], len(declined))
    one = tool("logs", text=declined[0][3], **window)["structured"]["lines"]
    check("the one line", [row["trace_id"] for row in one], [f"{declined[0][1]:032x}"])
    templates = tool("logs", **window)["structured"]["lines"]
    counts = sorted(row["count"] for row in templates)
    check("templates", counts, sorted([len(declined), len(inside) - len(declined)]))
    check("errors come first", templates[0]["severity"], "ERROR")


def check_trace(spans):
    trace = spans[-1].trace
    own = {s.id: s for s in spans if s.trace == trace}
    reply = tool("trace", trace_id=f"{trace:032x}")["structured"]
    check("spans of the trace", reply["total"], len(own))
    for row in reply["spans"]:
        span = next(s for s in own.values() if (s.service, s.name) == (row["service"], row["operation"]))
        covered = sum(child.duration for child in own.values() if child.parent == span.id)
        # What a call takes beyond its other side is the way's, not its own.
        itself = 0 if span.kind == 3 and covered else span.duration - covered
        check(f"{span.name} itself", row["self_ms"], itself / MS, 1e-6)
        check(f"{span.name} depth", row["depth"], depth(own, span))


def depth(own, span):
    return 0 if not span.parent else 1 + depth(own, own[span.parent])


def check_changes():
    rows = tool("changes", start=rfc3339(BAD_FROM - 60 * SECOND), end=rfc3339(NOW))["structured"]["changes"]
    deploys = [(row["service"], row["before"], row["after"]) for row in rows if row["kind"] == "deploy"]
    check("deploys", deploys, [("orders", "1.0.0", "1.1.0")])


def check_compare(spans):
    reply = tool("compare", service="gateway", start=rfc3339(BAD_FROM), end=rfc3339(NOW))["structured"]
    bad = entries(spans, "gateway", BAD_FROM, NOW)
    good = entries(spans, "gateway", BAD_FROM - 900 * SECOND, BAD_FROM)
    slow = quantile([s.duration for s in good], 0.95)
    is_bad = lambda span: span.error or span.duration > slow
    check("requests compared", reply["requests"], len(bad))
    check("bad requests", reply["bad"], sum(map(is_bad, bad)))
    first = reply["differences"][0]
    check("what they share", (first["attribute"], first["value"], first["significant"]), ("region", "eu", True))
    with_it, without = [s for s in bad if s.region == "eu"], [s for s in bad if s.region != "eu"]
    check("bad share with it", first["bad_share_with"], sum(map(is_bad, with_it)) / len(with_it), 1e-6)
    check("bad share without", first["bad_share_without"], sum(map(is_bad, without)) / len(without), 1e-6)


def check_investigation():
    found = tool("investigate", service="gateway", signal="latency", start=rfc3339(BAD_FROM), end=rfc3339(NOW))["structured"]
    check("root cause", (found["conclusion"], found["service"]), ("root_cause", "orders"))
    check("its operation", found["operation"], "GET /orders")
    incident = found["incident"]
    report = tool("report", incident=incident)["structured"]
    check("the report says the same", {k: report[k] for k in ("service", "fault", "statement")}, {k: found[k] for k in ("service", "fault", "statement")})
    listed = tool("incidents")["structured"]["incidents"]
    check("it is listed", incident in [row["incident"] for row in listed], True)
    with urllib.request.urlopen(f"{HTTP}/api/v1/investigations/{incident}", timeout=30) as answer:
        whole = json.load(answer)
    cited = set(whole["root_cause"]["evidence"])
    facts = tool("evidence", incident=incident)["structured"]["evidence"]
    shown = {row["id"] for row in facts}
    check("cited facts come first", bool(facts) and {row["id"] for row in facts[: len(cited)]} <= cited, True)
    check("marked as cited", {row["id"] for row in facts if row["cited"]}, shown & cited)
    known = {fact["id"]: fact["numbers"] for fact in whole["diagnosis"]["evidence"]}
    check("with the journal's figures", all(known[row["id"]] == row["numbers"] for row in facts), True)
    proposed = tool("propose_action", incident=incident)["structured"]
    check("nothing can be acted on", (proposed["actions"], proposed.get("decide_at")), ([], None))


def sent():
    """Sends the hour; gives its spans and lines."""
    spans, lines = generated()
    for start in range(0, len(lines), 150):
        part = lines[start : start + 150]
        send(spans[start * 6 : (start + len(part)) * 6], part)
    # A trace is complete when nothing of it came for two seconds.
    time.sleep(3)
    return spans, lines


def main():
    spans, lines = sent()
    if DIALECT == "default":
        check_status(spans)
        check_logs(lines)
        check_trace(spans)
        check_changes()
        check_compare(spans)
        check_investigation()
    else:
        import dialects

        getattr(dialects, DIALECT)(sys.modules[__name__], spans, lines)
    print(f"{len(failures)} wrong: {failures}" if failures else "all right")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
