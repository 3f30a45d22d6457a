-- Spans of whole traces whose root began in the window, each in its place: what `telemetry::trace::assemble` makes of them.
-- One row a span; of a trace that is not whole, one row that says so.
SELECT *,
    half_later - intDiv(ns, 2) AS offset_ns,
    if(is_answered, greatest(ns - callee_ns - covered_ns, 0), ns) AS delay_ns, if(is_answered, 0, ns - covered_ns) AS exclusive_ns,
    if(kind IN ('Client', 'Producer') AND NOT is_answered, called, statement) AS resource
FROM (
SELECT
    trace, whole, intDiv(root_start, 1000000000) AS root_second,
    services[i] AS service, instances[i] AS instance, versions[i] AS version, names[i] AS name, kinds[i] AS kind,
    failures[i] AS failed, starts[i] AS start, ends[i] AS end, ends[i] - starts[i] AS ns,
    callees[i] > 0 AS is_answered, services[callees[i]] AS callee_service, names[callees[i]] AS callee_name,
    instances[callees[i]] AS callee_instance, ends[callees[i]] - starts[callees[i]] AS callee_ns,
    starts[callees[i]] + intDiv(ends[callees[i]] - starts[callees[i]], 2) - starts[i] AS half_later,
    covered[i] AS covered_ns, leads[i] AS lead_ns, if(entries[above[i]], names[above[i]], '') AS entry,
    arrayExists(j -> failures[j], children[i]) AS has_failed_child,
    systems[i] AS system, statements[i] AS statement, peers[i] AS peer, resources[i] AS called,
    queues[i] AS queue, ids[i] AS id, i AS place_in_trace, processes[i] AS process,
    -- Starts and ends of the same process and trace inside of the span, which it does not wait beside.
    arrayCount(j -> processes[j] = processes[i] AND starts[j] > starts[i] AND starts[j] < ends[i], place)
        + arrayCount(j -> processes[j] = processes[i] AND ends[j] > starts[i] AND ends[j] < ends[i], place) AS own_inside,
    -- A call repeats a failed one when it says so, or when the last call of the same name before it failed.
    kinds[i] = 'Client' AND (resends[i] OR arrayReduce('argMax', arrayMap(j -> failures[j], earlier[i]),
        arrayMap(j -> (ends[j], ids[j]), earlier[i]))) AS is_resend
FROM (
    SELECT *,
        arrayMap(i -> if(empty(covering[i]), 0, arrayReduce('intervalLengthSum',
            arrayMap(j -> greatest(starts[j], starts[i]), covering[i]),
            arrayMap(j -> least(ends[j], ends[i]), covering[i]))), place) AS covered,
        -- The idle time of the parent before each of its children in the same process, in the order in which they began.
        arrayMap(i -> if(beside[i], greatest(least(starts[i], ends[parents[i]]) - arrayMax(arrayPushBack(
            arrayMap(j -> ends[j], arrayFilter(j -> j < i AND beside[j], children[parents[i]])),
            starts[parents[i]])), 0), 0), place) AS leads
    FROM (
        SELECT *,
            arrayMap(i -> arrayFilter(j -> (callees[i] = 0 OR NOT entries[j])
                AND least(ends[j], ends[i]) > greatest(starts[j], starts[i]), children[i]), place) AS covering,
            arrayMap(i -> if(kinds[i] = 'Client' AND parents[i] > 0,
                arrayFilter(j -> kinds[j] = 'Client' AND j != i AND names[j] = names[i] AND peers[j] = peers[i]
                    AND ends[j] <= starts[i], children[parents[i]]), []), place) AS earlier,
            -- The nearest entry span of the same service at or above: steps of one, two, four, ... 256.
            arrayFold((reached, step) -> arrayMap(i -> reached[i], reached), range(8), nearest) AS above
        FROM (
            SELECT *,
                arrayMap(i -> if(kinds[i] = 'Client', arrayReverseSort(j -> (ends[j] - starts[j], j),
                    arrayFilter(j -> entries[j], children[i]))[1], 0), place) AS callees,
                arrayMap(i -> parents[i] > 0 AND NOT entries[i] AND services[parents[i]] = services[i], place) AS beside,
                arrayMap(i -> if(entries[i] OR parents[i] = 0 OR services[parents[i]] != services[i], i, parents[i]),
                    place) AS nearest
            FROM (
                SELECT *, if(whole, arrayMap(i -> arrayFilter(j -> parents[j] = i, place), place), []) AS children
                FROM (
                    SELECT *, starts[greatest(indexOf(parent_ids, ''), 1)] AS root_start,
                        countEqual(parent_ids, '') = 1 AND arrayAll((parent, i, over) ->
                            parent = '' OR (over > 0 AND over != i), parent_ids, place, parents) AS whole
                    FROM (
                        SELECT *, arrayEnumerate(ids) AS place,
                            arrayMap(parent -> if(parent = '', 0, indexOf(ids, parent)), parent_ids) AS parents,
                            arrayMap(kind -> kind IN ('Server', 'Consumer'), kinds) AS entries
                        FROM (
                            SELECT trace, spans.1 AS starts, spans.2 AS ids, spans.3 AS parent_ids, spans.4 AS ends,
                                spans.5 AS services, spans.6 AS instances, spans.7 AS versions, spans.8 AS names,
                                spans.9 AS kinds, spans.10 AS failures, spans.11 AS systems, spans.12 AS statements,
                                spans.13 AS peers, spans.14 AS resources, spans.15 AS queues, spans.16 AS resends,
                                spans.17 AS processes
                            FROM (
                                -- A span that came twice counts once.
                                SELECT trace, arrayFilter((span, i) -> indexOf(every.2, span.2) = i, every,
                                    arrayEnumerate(every)) AS spans
                                FROM (
                                    SELECT TraceId AS trace, arraySort(groupArray((
                                        toUnixTimestamp64Nano(Timestamp), SpanId, ParentSpanId,
                                        toUnixTimestamp64Nano(Timestamp) + toInt64(Duration), service, instance, version,
                                        span_name, kind, failed, system, statement, peer, resource, queue, resent,
                                        cityHash64(service, instance, version, {span_scope})))) AS every
                                    FROM ({spans})
                                    GROUP BY TraceId
                                )
                            )
                        )
                    )
                )
                WHERE root_start >= {from} AND root_start < {to}
            )
        )
    )
)
ARRAY JOIN if(whole, place, [1]) AS i
)
