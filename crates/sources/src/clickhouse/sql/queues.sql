-- What became of the messages that were sent in a window: `telemetry::rows::queues` over all of its traces.
SELECT
    service, queue, sent, errors, taken, processed, given_up, deliveries_max, most_delivered, arraySum(waits),
    waits[greatest(1, toUInt64(ceil(0.5 * length(waits))))], blocks, by_taker
FROM (
SELECT service, queue, count() AS sent, countIf(failed) AS errors, sum(deliveries) AS taken,
    countIf(deliveries > failures) AS processed, countIf(deliveries > 0 AND deliveries = failures) AS given_up,
    max(failures) AS deliveries_max, minIf(trace, failures = most) AS most_delivered,
    arraySort(groupArrayIf(wait_ns, deliveries > 0)) AS waits,
    sumMapIf([intDiv(start, 1000000000)], [toInt64(1)], [wait_ns], deliveries > 0) AS blocks,
    sumMap(takers, arrayMap(taker -> toInt64(1), takers)) AS by_taker
FROM (
    SELECT *, greatest(first - end, 0) AS wait_ns, max(failures) OVER (PARTITION BY service, queue) AS most
    FROM (
        SELECT trace, id, service, queue, failed, start, end, {scope} AS in_scope
        FROM ({nodes})
        WHERE whole AND kind = 'Producer'
    ) AS senders
    LEFT JOIN (
        SELECT origin.1 AS from_trace, origin.2 AS from_span, count() AS deliveries, countIf(is_failed) AS failures,
            min(at) AS first, groupArray(taker) AS takers, max(is_meant) AS is_taker_meant
        FROM (
            SELECT if(empty(ServiceName), 'unknown_service', toString(ServiceName)) AS taker,
                toUnixTimestamp64Nano(Timestamp) AS at, StatusCode IN ('Error', 'STATUS_CODE_ERROR') AS is_failed,
                {taker_scope} AS is_meant,
                arrayJoin(arrayDistinct(arrayConcat(if(ParentSpanId = '', [], [(TraceId, ParentSpanId)]),
                    arrayZip(`Links.TraceId`, `Links.SpanId`)))) AS origin
            FROM {traces}
            WHERE Timestamp >= {begin} AND Timestamp < {after} AND SpanKind IN ('Consumer', 'SPAN_KIND_CONSUMER')
                AND if(SpanAttributes['messaging.operation.type'] != '', SpanAttributes['messaging.operation.type'],
                    SpanAttributes['messaging.operation']) != 'receive'
        )
        GROUP BY origin
    ) AS taken ON trace = from_trace AND id = from_span
    WHERE in_scope OR is_taker_meant
)
GROUP BY service, queue
)
ORDER BY service, queue
LIMIT {limit}
