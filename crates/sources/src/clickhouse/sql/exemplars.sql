-- The traces that stand for a window: `telemetry::rows::exemplars` over all whole traces with an entry span of the scope in it.
SELECT
    arraySlice(arraySort(one -> (-one.3, -one.4, one.1), candidates), 1, {count}) AS worst,
    arraySlice(arraySort(one -> (abs(one.4 - median), one.1), candidates), 1, {count}) AS typical,
    left_out
FROM (
    SELECT *, arraySort(one -> one.4, candidates)[greatest(1, toUInt64(ceil(0.5 * length(candidates))))].4 AS median
    FROM (
        SELECT groupArrayIf((trace, worst.3, worst.1, worst.2, worst.4), is_whole) AS candidates, countIf(NOT is_whole) AS left_out
        FROM (
            SELECT trace,
                arrayCount(one -> one.2 = '', spans) = 1
                    AND arrayAll(one -> one.2 = '' OR (one.2 != one.1 AND has(spans.1, one.2)), spans) AS is_whole,
                -- The failed one, then the longest, then the one with the first id.
                arraySort(one -> (-one.1, -one.2, one.5), arrayFilter(one -> one.6, entries))[1] AS worst
            FROM (
                SELECT TraceId AS trace, groupUniqArray((SpanId, ParentSpanId)) AS spans,
                    groupArray((toInt8(StatusCode IN ('Error', 'STATUS_CODE_ERROR')), toInt64(Duration), toString(SpanName),
                        toUnixTimestamp64Nano(Timestamp), SpanId, {entered})) AS entries
                FROM {traces}
                WHERE Timestamp >= {before} AND Timestamp < {after}{share} AND TraceId IN (
                    SELECT TraceId FROM {traces} WHERE Timestamp >= {begin} AND Timestamp < {finish}{share} AND {entered})
                GROUP BY TraceId
            )
        )
    )
)
