"""Sends ten minutes of three services, waits until most of it left the memory, and asks the same of three readers:
Firstcause over its interface, DuckDB and ClickHouse over the Parquet files.

Usage: segments.py OTLP_URL HTTP_URL DATA_DIR SEED.
"""

import glob
import json
import math
import random
import sys
import time
import urllib.request

import duckdb
from chdb import session

OTLP, HTTP, DATA, SEED = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
MS, SECOND = 1_000_000, 1_000_000_000
FROM = (time.time_ns() // SECOND - 900) * SECOND
TRACES, A_SECOND = 14_000, 20
RNG = random.Random(SEED)
REGIONS = ["eu", "us", "ap"]
failures = []


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def ask(question, **more):
    return post(f"{HTTP}/api/v1/ask", {"id": "q0001", "space": "default", "not_before": 0, "ask": {"question": question, **more}})


def value(of):
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue"}.get(type(of), "stringValue")
    return {kind: str(of) if kind == "intValue" else of}


def pairs(attributes):
    return [{"key": key, "value": value(of)} for key, of in attributes.items()]


def resource(service):
    return {"attributes": pairs({"service.name": service, "service.instance.id": service + "-1", "service.version": "1"})}


def span(trace, number, parent, service, name, kind, start, duration, failed=False, attributes=None, events=()):
    return service, {
        "traceId": f"{trace:032x}",
        "spanId": f"{trace * 8 + number:016x}",
        "parentSpanId": f"{trace * 8 + parent:016x}" if parent else "",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + duration),
        "attributes": pairs(attributes or {}),
        "events": list(events),
        "status": {"code": 2} if failed else {},
    }


def request(nth):
    """gateway -> orders, gateway -> billing, which fails now and then; one line of billing."""
    trace, at = (SEED << 40) + nth + 1, FROM + nth * SECOND // A_SECOND
    region, failed = RNG.choice(REGIONS), RNG.random() < 0.03
    orders, billing = round(RNG.lognormvariate(0, 0.5) * 10 * MS), round(RNG.lognormvariate(0, 0.3) * 5 * MS)
    event = {"timeUnixNano": str(at), "name": "exception", "attributes": pairs({"exception.type": "Declined"})}
    whole = orders + billing + 6 * MS
    spans = [
        span(trace, 1, 0, "gateway", "GET /checkout", 2, at, whole, failed, {"region": region, "retry": nth % 3, "ok": not failed}),
        span(trace, 2, 1, "gateway", "GET orders", 3, at + MS, orders + 2 * MS),
        span(trace, 3, 2, "orders", "GET /orders", 2, at + 2 * MS, orders, False, {"rows": float(nth)}),
        span(trace, 4, 1, "gateway", "POST billing", 3, at + orders + 3 * MS, billing + 2 * MS, failed),
        span(trace, 5, 4, "billing", "POST /charge", 2, at + orders + 4 * MS, billing, failed, {}, [event] if failed else []),
    ]
    line = {
        "timeUnixNano": str(at + MS),
        "severityNumber": 17 if failed else 9,
        "traceId": f"{trace:032x}",
        "body": value(f"charge {nth} " + ("declined" if failed else "done")),
    }
    return spans, line, {"at": at, "region": region, "failed": failed}


def send(batch, at):
    by_service = {}
    for spans, _, _ in batch:
        for service, one in spans:
            by_service.setdefault(service, []).append(one)
    body = [{"resource": resource(service), "scopeSpans": [{"spans": spans}]} for service, spans in by_service.items()]
    post(f"{OTLP}/v1/traces", {"resourceSpans": body})
    lines = [{"resource": resource("billing"), "scopeLogs": [{"logRecords": [line for _, line, _ in batch]}]}]
    post(f"{OTLP}/v1/logs", {"resourceLogs": lines})
    point = {"timeUnixNano": str(at), "asDouble": 10.0 + (at // SECOND) % 7, "attributes": pairs({"pool": "main"})}
    metric = {"name": "pool.used", "unit": "1", "gauge": {"dataPoints": [point]}}
    post(f"{OTLP}/v1/metrics", {"resourceMetrics": [{"resource": resource("orders"), "scopeMetrics": [{"metrics": [metric]}]}]})


sent = [request(nth) for nth in range(TRACES)]
for first in range(0, TRACES, 150):
    batch = sent[first : first + 150]
    send(batch, batch[0][2]["at"])
with urllib.request.urlopen(f"{HTTP}/stats") as answer:
    stats = json.load(answer)
assert stats["segments"] >= 2 and stats["sealed"] > 20_000, stats

SEGMENTS = f"{DATA}/spaces/default/segments"
spans_in, logs_in, points_in = (f"{SEGMENTS}/*.{kind}.parquet" for kind in ("spans", "logs", "points"))
assert glob.glob(spans_in) and glob.glob(logs_in) and glob.glob(points_in), SEGMENTS
duck = duckdb.connect()
click = session.Session()


def duck_rows(sql):
    return duck.execute(sql.format(spans=f"'{spans_in}'", logs=f"'{logs_in}'", points=f"'{points_in}'")).fetchall()


def click_rows(sql):
    of = lambda path: f"file('{path}', 'Parquet')"
    told = click.query(sql.format(spans=of(spans_in), logs=of(logs_in), points=of(points_in)), "JSONCompact")
    return [tuple(row) for row in json.loads(str(told))["data"]]


# What lies well before the last sealed span is in segments as a whole.
last = duck_rows("SELECT max(epoch_ns(Timestamp)) FROM {spans}")[0][0]
TO = (last // SECOND - 20) * SECOND
assert TO - FROM > 120 * SECOND, (TO, FROM)
WINDOW = {"window": {"from": FROM, "to": TO}, "scope": {}}


def number(of):
    return float(of) if of is not None else math.nan


def check(what, got, expected, relative=1e-9):
    for engine, one in got.items():
        close = math.isclose(number(one), number(expected), rel_tol=relative, abs_tol=1e-9)
        print("ok  " if close else "WRONG", engine, what, "got", one, "expected", expected)
        if not close:
            failures.append(what)


def check_sql(what, expected, duck_sql, click_sql=None, relative=1e-9):
    click_sql = click_sql or duck_sql
    check(what, {"duckdb": duck_rows(duck_sql)[0][0], "clickhouse": click_rows(click_sql)[0][0]}, expected, relative)


def in_seconds(column, duck_style):
    """The rows whose second of `column` begins in the window."""
    nanos = f"epoch_ns({column})" if duck_style else f"toUnixTimestamp64Nano({column})"
    return f"{nanos} >= {FROM} AND {nanos} < {TO}"


def both(sql, column):
    return sql.replace("WINDOW", in_seconds(column, True)), sql.replace("WINDOW", in_seconds(column, False))


health = {row["subject"]["service"]: row for row in ask("health", **WINDOW)["table"]["rows"]}
onset = ask("onset", **WINDOW)["table"]["rows"]
for service in ["billing", "gateway", "orders"]:
    entry = f"FROM {{spans}} WHERE SpanKind = 'Server' AND ServiceName = '{service}' AND WINDOW"
    row = health[service]
    check_sql(f"{service}: requests", row["count"], *both(f"SELECT count(*) {entry}", "EndTime"))
    check_sql(f"{service}: failures", row["errors"], *both(f"SELECT count(*) {entry} AND StatusCode = 'Error'", "EndTime"))
    check_sql(f"{service}: time", row["sum_ns"], *both(f"SELECT sum(Duration) {entry}", "EndTime"))
    at = math.ceil(0.95 * row["count"]) - 1
    ranked = f"SELECT Duration {entry} ORDER BY Duration LIMIT 1 OFFSET {at}"
    check_sql(f"{service}: p95", row["p95_ns"], *both(ranked, "EndTime"), relative=0.011)
    seconds = sum(1 for one in onset if one["subject"]["service"] == service)
    duck_seconds, _ = both(f"SELECT count(DISTINCT epoch_ns(EndTime) // {SECOND}) {entry}", "EndTime")
    _, click_seconds = both(f"SELECT uniqExact(intDiv(toUnixTimestamp64Nano(EndTime), {SECOND})) {entry}", "EndTime")
    check_sql(f"{service}: seconds", seconds, duck_seconds, click_seconds)

edges = {(row["caller"], row["callee"]): row for row in ask("edges", **WINDOW)["table"]["rows"]}
for callee in ["billing", "orders"]:
    calls = (
        "SELECT count(*) FROM {spans} AS child JOIN {spans} AS parent ON child.TraceId = parent.TraceId "
        "AND child.ParentSpanId = parent.SpanId JOIN {spans} AS root ON root.TraceId = child.TraceId "
        f"WHERE parent.ServiceName = 'gateway' AND child.ServiceName = '{callee}' AND root.ParentSpanId = '' AND WINDOW"
    )
    check_sql(f"calls of {callee}", edges["gateway", callee]["count"], *both(calls, "root.Timestamp"))

sealed = [one for one in sent if one[2]["at"] < TO]
trace = sealed[len(sealed) // 2][0][0][1]["traceId"]
whole = ask("trace", trace_id=trace)["table"]["rows"]
check_sql("spans of a trace", len(whole), f"SELECT count(*) FROM {{spans}} WHERE TraceId = '{trace}'")
coverage = {row["service"]: row for row in ask("coverage", window=WINDOW["window"])["table"]["rows"]}
of_gateway = "SELECT count(*) FROM {spans} WHERE ServiceName = 'gateway' AND WINDOW"
check_sql("spans of a service", coverage["gateway"]["spans"], *both(of_gateway, "EndTime"))
templates = ask("log_templates", **WINDOW)["table"]["rows"]
declined = sum(row["count"] for row in templates if "declined" in row["template"])
check_sql("declined charges", declined, *both("SELECT count(*) FROM {logs} WHERE Body LIKE '%declined' AND WINDOW", "Timestamp"))
middle = FROM + (TO - FROM) // 2 // SECOND * SECOND
series = ask("series_change", good={"from": FROM, "to": middle}, bad={"from": middle, "to": TO}, scope={})["table"]["rows"]
pool = next(row for row in series if row["metric"] == "pool.used")
means = "SELECT avg(Value) FROM {points} WHERE MetricName = 'pool.used' AND WINDOW"
check_sql("mean of a gauge", pool["good"]["mean"], *[sql.replace(str(TO), str(middle)) for sql in both(means, "TimeUnix")], relative=1e-6)

# What attributes and events say, against what was sent.
count = lambda meant: sum(1 for one in sealed if meant(one))
of_root = "SELECT count(*) FROM {spans} WHERE SpanName = 'GET /checkout' AND WINDOW AND "
eu = count(lambda one: one[2]["region"] == "eu")
check_sql("an attribute", eu, *both(of_root + "SpanAttributes['region'] = 'eu'", "Timestamp"))
check_sql("a whole number", count(lambda one: one[0][0][1]["attributes"][1]["value"]["intValue"] == "2"), *both(of_root + "SpanAttributes['retry'] = '2'", "Timestamp"))
failed = count(lambda one: one[2]["failed"])
duck_event, _ = both('SELECT count(*) FROM {spans} WHERE "Events.Name"[1] = \'exception\' AND "Events.Attributes"[1][\'exception.type\'] = \'Declined\' AND WINDOW', "Timestamp")
_, click_event = both("SELECT count(*) FROM {spans} WHERE `Events.Name`[1] = 'exception' AND `Events.Attributes`[1]['exception.type'] = 'Declined' AND WINDOW", "Timestamp")
after = lambda one: int(one[0][4][1]["startTimeUnixNano"]) < TO
failed_spans = sum(1 for one in sent if one[2]["failed"] and after(one))
check_sql("events", failed_spans, duck_event, click_event)
check_sql("what a resource says", count(lambda one: True), *both(of_root + "ResourceAttributes['service.instance.id'] = 'gateway-1'", "Timestamp"))

print("segments", stats["segments"], "rows", stats["sealed"], "bytes", stats["segment_bytes"], "a row", round(stats["segment_bytes"] / stats["sealed"], 1))
sys.exit(1 if failures else 0)
