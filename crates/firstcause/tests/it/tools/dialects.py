"""The same hour, asked by the names that other systems gave to the tools. `own` is the running scenario: what it sent, and
how it asks and compares."""


def window(own, start=None):
    return {"start": own.rfc3339(own.BAD_FROM if start is None else start), "end": own.rfc3339(own.NOW)}


def row(rows, key, value):
    return next(row for row in rows if row[key] == value)


def of(own, spans, service, start=None, end=None):
    return own.entries(spans, service, own.BAD_FROM if start is None else start, own.NOW if end is None else end)


def mean_ms(own, spans):
    return sum(span.duration for span in spans) / len(spans) / own.MS


def failed(spans):
    return sum(span.error for span in spans) / len(spans)


def is_within(at, start, end):
    return start <= at < end


def elastic(own, spans, lines):
    requests(own, spans)
    calls(own, spans)
    written(own, lines)
    changed(own, spans)
    contrasts(own, spans)
    names(own)


def requests(own, spans):
    reply = own.tool("get_services", **window(own))["structured"]
    own.check("services", sorted(item["serviceName"] for item in reply["services"]), ["billing", "gateway", "orders"])
    for item in reply["services"]:
        name, mine = item["serviceName"], of(own, spans, item["serviceName"])
        own.check(f"{name} latency", item["latencyMs"], mean_ms(own, mine), 1e-6)
        own.check(f"{name} throughput", item["throughputPerMin"], len(mine) / 5.0, 1e-6)
        own.check(f"{name} failure rate", item["failureRate"], failed(mine), 1e-6)
    signals = row(reply["services"], "serviceName", "billing")["signals"]
    own.check("signals of billing", signals, ["traces", "logs"])
    two = own.NOW - 3900 * own.SECOND
    reply = own.tool("get_trace_metrics", groupBy="service.version", latencyType="p95",
                     kqlFilter="resource.attributes.service.name: orders", **window(own, two))["structured"]
    for version, part in (("1.0.0", of(own, spans, "orders", two, own.BAD_FROM)), ("1.1.0", of(own, spans, "orders"))):
        item = row(reply["items"], "group", version)
        part = [span for span in of(own, spans, "orders", two) if span.version == version]
        own.check(f"requests of {version}", item["requests"], len(part))
        p95 = own.quantile([span.duration for span in part], 0.95) / own.MS
        own.check(f"p95 of {version}", item["latencyMs"], p95, own.QUANTILE_ERROR)
    reply = own.tool("get_trace_metrics_timeseries", kqlFilter="service.name: gateway", bucketSize=60, **window(own))["structured"]
    for place, bucket in enumerate(reply["groups"][0]["buckets"]):
        start = own.BAD_FROM + place * 60 * own.SECOND
        part = of(own, spans, "gateway", start, start + 60 * own.SECOND)
        own.check(f"requests of minute {place}", bucket["requests"], len(part))
        own.check(f"latency of minute {place}", bucket["latencyMs"], mean_ms(own, part), 1e-6)
        own.check(f"failures of minute {place}", bucket["failureRate"], failed(part), 1e-6)
    reply = own.tool("get_trace_change_points", kqlFilter="service.name: orders", latencyType="avg",
                     start=own.rfc3339(own.NOW - 1800 * own.SECOND), end=own.rfc3339(own.NOW))["structured"]
    at = row(reply["changePoints"], "figure", "latencyMs")["at"]
    bucket = reply["bucketSize"]
    early, late = own.rfc3339(own.BAD_FROM - round(2 * bucket * own.SECOND)), own.rfc3339(own.BAD_FROM + round(2 * bucket * own.SECOND))
    own.check("latency of orders changed when it did", early <= at <= late, True)


def rooted(own, spans):
    """The traces that began in the window."""
    ids = {span.trace for span in spans if not span.parent and is_within(span.start, own.BAD_FROM, own.NOW)}
    return [span for span in spans if span.trace in ids]


def calls(own, spans):
    whole = rooted(own, spans)
    reply = own.tool("get_service_topology", serviceName="gateway", **window(own))["structured"]["connections"]
    for target, name in (("orders", "GET orders"), ("billing", "POST billing"), ("SELECT orders", "SELECT orders")):
        mine = [span for span in whole if span.kind == 3 and span.name == name]
        found = [item for item in reply if item["target"] == target or (name == "SELECT orders" and item.get("isExternal"))]
        own.check(f"calls of {name}", len(found), 1)
        figures = found[0]["metrics"]
        own.check(f"latency of {name}", figures["latencyMs"], mean_ms(own, mine), 1e-6)
        own.check(f"errors of {name}", figures["errorRate"], failed(mine), 1e-6)
    reply = own.tool("get_downstream_dependencies", serviceName="gateway", **window(own))["structured"]
    own.check("dependencies", [item["targetService"] for item in reply["dependencies"]], ["billing", "orders"])
    reply = own.tool("analyze_latency_bottlenecks", serviceName="orders", **window(own))["structured"]
    queries = [span for span in whole if span.name == "SELECT orders"]
    entered = [span for span in whole if span.service == "orders" and span.kind == 2]
    query, everything = sum(s.duration for s in queries), sum(s.duration for s in entered)
    first = reply["bottlenecks"][0]
    own.check("traces looked at", reply["traces"], len({span.trace for span in whole}))
    own.check("what orders waits for", first["kind"], "dependency")
    own.check("its share", first["impactPercent"], 100 * query / everything, 1e-6)
    own.check("its mean", first["meanMs"], query / len(queries) / own.MS, 1e-6)
    trace = f"{spans[-1].trace:032x}"
    reply = own.tool("get_traces", kqlFilter=f"trace_id: {trace}", **window(own))["structured"]
    own.check("the trace", (reply["total"], reply["sequences"][0]["spanCount"]), (1, 6))


def written(own, lines):
    inside = [line for line in lines if is_within(line[0], own.BAD_FROM, own.NOW)]
    declined = [line for line in inside if line[2]]
    reply = own.tool("get_logs", groupBy="log.level", **window(own))["structured"]
    own.check("lines", reply["totalCount"], len(inside))
    own.check("errors among them", row(reply["groups"], "value", "error")["count"], len(declined))
    reply = own.tool("get_logs", kqlFilter="message: (DECLINED and not done) and severity_text: ERROR", **window(own))["structured"]
    own.check("lines of a filter", reply["totalCount"], len(declined))
    reply = own.tool("get_log_groups", index="logs*", **window(own))["structured"]
    own.check("groups", sorted(item["count"] for item in reply["groups"]), sorted([len(declined), len(inside) - len(declined)]))
    reply = own.tool("get_correlated_logs", maxSequences=3, **window(own))["structured"]
    own.check("requests with an error", reply["total"], len(declined))
    own.check("tied by the trace", {item["correlationField"] for item in reply["sequences"]}, {"trace.id"})
    before = [line for line in lines if is_within(line[0], own.BAD_FROM - 1800 * own.SECOND, own.BAD_FROM)]
    reply = own.tool("run_log_rate_analysis", deviation=window(own),
                     baseline={"start": own.rfc3339(own.BAD_FROM - 1800 * own.SECOND), "end": own.rfc3339(own.BAD_FROM)})["structured"]
    own.check("the rate", reply["analysisType"], "spike")
    own.check("before", reply["baselineRatePerMin"], len(before) / 30.0, 1e-6)
    own.check("now", reply["deviationRatePerMin"], len(inside) / 5.0, 1e-6)
    item = row(reply["items"], "value", "error")
    own.check("errors before and now", (item["baselineCount"], item["deviationCount"]), (0, len(declined)))
    reply = own.tool("get_index_info", **window(own))["structured"]
    own.check("documents", row(reply["indexPatterns"], "pattern", "logs*")["documents"], len(inside))


def changed(own, spans):
    reply = own.tool("get_change_events", start=own.rfc3339(own.BAD_FROM - 60 * own.SECOND), end=own.rfc3339(own.NOW))["structured"]
    deploys = [(item["service"], item["from"], item["to"]) for item in reply["events"] if item["type"] == "deployment"]
    own.check("deploys", deploys, [("orders", "1.0.0", "1.1.0")])
    own.check("new versions", row(reply["versionsByService"], "service", "orders")["new"], ["1.1.0"])
    own.check("no new version", row(reply["versionsByService"], "service", "billing")["new"], [])


def contrasts(own, spans):
    reply = own.tool("get_apm_correlations", serviceName="gateway", **window(own))["structured"]
    bad = of(own, spans, "gateway")
    slow = own.quantile([span.duration for span in of(own, spans, "gateway", own.BAD_FROM - 300 * own.SECOND, own.BAD_FROM)], 0.95)
    is_bad = [span for span in bad if span.error or span.duration > slow]
    own.check("requests", (reply["overall"], reply["subset"]), (len(bad), len(is_bad)))
    first = reply["correlations"][0]
    own.check("what they share", (first["field"], first["value"]), ("region", "eu"))
    with_it = [span for span in bad if span.region == "eu"]
    own.check("with it", (first["overallCount"], first["subsetCount"]), (len(with_it), len([s for s in is_bad if s.region == "eu"])))
    own.check("its share", first["overallPct"], 100 * len(with_it) / len(bad), 1e-6)


def names(own):
    asked = window(own)
    expected = own.tool("get_log_groups", **asked)["structured"]
    for name in ("get_error_groups", "observability.get_log_groups", "observability_get_log_groups"):
        own.check(f"the name {name}", own.tool(name, **asked)["structured"], expected)
    for name in ("get_hosts", "get_runtime_metrics", "get_anomaly_detection_jobs"):
        reply = own.tool(name, **asked)["structured"]
        lists = [value for key, value in reply.items() if isinstance(value, list) and key not in ("gaps", "next", "selectedFields")]
        own.check(f"{name} invents nothing", any(lists), False)


def elk(own, spans, lines):
    inside = [line for line in lines if is_within(line[0], own.BAD_FROM, own.NOW)]
    declined = [line for line in inside if line[2]]
    reply = own.tool("list_indices", **window(own))["structured"]
    own.check("documents", row(reply["indices"], "name", "logs")["docs"], len(inside))
    reply = own.tool("search_logs", kqlFilter="message: declined", level="error", **window(own))["structured"]
    own.check("lines", (reply["total"], reply["relation"]), (len(declined), "eq"))
    newest = max(declined)
    own.check("the newest first", reply["rows"][0]["trace_id" if "trace_id" in reply["rows"][0] else "traceId"], f"{newest[1]:032x}")
    reply = own.tool("get_error_summary", **window(own))["structured"]
    own.check("errors", (reply["errors"], reply["groups"][0]["count"]), (len(declined), len(declined)))
    own.check("their share", reply["groups"][0]["share"], 1.0, 1e-9)
    trace = f"{newest[1]:032x}"
    reply = own.tool("search_by_trace_id", trace_id=trace)["structured"]
    own.check("spans and a line", (reply["total"], reply["orphans"]), (7, 0))
    reply = own.tool("search_by_correlation_id", value=trace, **window(own))["structured"]
    own.check("lines of an id", (reply["total"], reply["matched_fields"]), (1, ["trace.id"]))
    reply = own.tool("get_logs_in_window", **window(own))["structured"]
    own.check("lines of a window", reply["total"], len(inside))
    counts = [bucket["count"] for bucket in reply["counts_per_minute"]]
    own.check("each minute", counts, [
        len([1 for line in inside if is_within(line[0], own.BAD_FROM + n * 60 * own.SECOND, own.BAD_FROM + (n + 1) * 60 * own.SECOND)])
        for n in range(len(counts))
    ])
    reply = own.tool("get_log_volume", group_by="log.level", interval="60", **window(own))["structured"]
    own.check("errors of a volume", row(reply["groups"], "group", "error")["count"], len(declined))
    reply = own.tool("aggregate_logs", metric="count", group_by=["service.name", "log.level"], **window(own))["structured"]
    own.check("counts", {tuple(item["group"]): item["count"] for item in reply["rows"]},
              {("billing", "info"): len(inside) - len(declined), ("billing", "error"): len(declined)})
    reply = own.tool("get_latency_stats", service="orders", **window(own))["structured"]["groups"][0]
    mine = of(own, spans, "orders")
    own.check("requests", reply["n"], len(mine))
    own.check("mean", reply["avg_ms"], mean_ms(own, mine), 1e-6)
    for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        own.check(name, reply[name], own.quantile([s.duration for s in mine], share) / own.MS, own.QUANTILE_ERROR)
    reply = own.tool("get_endpoint_status_summary", service="gateway", **window(own))["structured"]["endpoints"][0]
    gateway = of(own, spans, "gateway")
    own.check("endpoint", (reply["requests"], reply["failed"]), (len(gateway), sum(s.error for s in gateway)))
    own.check("it worked before", reply["never_succeeded"], False)
    reply = own.tool("get_cluster_health", **window(own))["structured"]
    own.check("the store", reply["status"], "green")
    newest = max((s.start + s.duration) // own.SECOND * own.SECOND for s in spans if s.kind == 2)
    own.check("lag", reply["ingest_lag_s"], (own.NOW - newest) / own.SECOND, 1e-6)
