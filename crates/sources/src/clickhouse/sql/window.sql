-- Exclusive time, calls and lanes of a window in one pass: `telemetry::rows::{self_time, edges, lanes}` over all of its traces.
-- Each row is one group: of spans, of calls from one service to another, of what is waited for (a lane), and one over all.
-- The key and the sums are one column each: what names a column of so deep a query costs the server milliseconds each time.
SELECT
    tupleElement(key, 1) AS part, key, sums, blocks, places[1], places[2], offsets[greatest(1, toUInt64(ceil(0.5 * length(offsets))))],
    busy, elapsed, most_at_once, events
FROM (
    SELECT
        key, sumForEach(numbers) AS sums, sumMap([second], [toInt64(NOT is_end)], [if(is_end, 0, value)]) AS blocks,
        arraySort(groupArrayIf(value, NOT is_end)) AS sorted,
        arrayMap(share -> sorted[greatest(1, toUInt64(ceil(share * length(sorted))))], [0.5, 0.95]) AS places,
        arraySort(groupArrayIf(offset_ns, has_offset)) AS offsets,
        intervalLengthSumIf(start, end, is_lane) AS busy, max(end) - min(start) AS elapsed,
        maxIntersectionsIf(start, end, is_lane) AS most_at_once, maxIf(until, is_end) - minIf(before, NOT is_end) AS events
    FROM (
        SELECT key, is_end, start, end, until, before, offset_ns, tupleElement(key, 1) = 'lanes' AND NOT is_end AS is_lane,
            tupleElement(key, 1) = 'calls' AND is_answered AS has_offset,
            if(tupleElement(key, 1) = 'calls', delay_ns, exclusive_ns) AS value,
            if(tupleElement(key, 1) = 'calls', intDiv(start, 1000000000), root_second) AS second,
            if(is_end, [0, 0, 0, 0, 0, 0, 0, 0, if(ns > 0, toInt64(before), 0), 0, 0, 0],
                [1, toInt64(failed), failed AND NOT has_failed_child, exclusive_ns, lead_ns, ns, if(is_answered, callee_ns, 0),
                    is_resend, if(ns > 0, -toInt64(until), 0) - own_inside, whole, NOT whole, kind = 'Producer']) AS numbers
        FROM (
            SELECT *, arrayJoin(multiIf(NOT whole, if(is_end, [], [all_key]), is_end, if(is_waited_for, [lane_key], []),
                arrayFilter(key -> key.1 != '', [if(in_scope, span_key, no_key), if(is_called, call_key, no_key),
                    if(is_waited_for, lane_key, no_key), if(place_in_trace = 1, all_key, no_key)]))) AS key
            FROM (
                SELECT *, at, is_end,
                    -- Starts and ends of the process up to, and before, this one.
                    count() OVER (PARTITION BY whole, process ORDER BY at) AS until,
                    rank() OVER (PARTITION BY whole, process ORDER BY at) - 1 AS before
                FROM (
                    SELECT trace, whole, root_second, place_in_trace, is_answered, delay_ns, exclusive_ns, failed, has_failed_child,
                        lead_ns, ns, callee_ns, offset_ns, own_inside, is_resend, start, end, in_scope, process, kind,
                        is_client AND in_scope AS is_waited_for,
                        is_client AND (in_scope OR (is_answered AND {callee_scope})) AS is_called,
                        ('spans', service, name, instance, version, entry, kind, resource, system, 0) AS span_key,
                        ('calls', service, callee, '', '', '', '', '', '', is_answered) AS call_key,
                        ('lanes', service, if(system != '', system, callee), instance, version,
                            multiIf(system != '', '', is_answered, callee_name, name), '', '', '', system != '') AS lane_key,
                        ('all', '', '', '', '', '', '', '', '', 0) AS all_key, ('', '', '', '', '', '', '', '', '', 0) AS no_key
                    FROM (
                        SELECT *, kind = 'Client' AS is_client, {scope} AS in_scope,
                            if(is_answered, callee_service, peer) AS callee
                        FROM ({nodes})
                    )
                )
                ARRAY JOIN [start, end] AS at, [0, 1] AS is_end
            )
        )
    )
    GROUP BY key
)
ORDER BY key
LIMIT {limit}
