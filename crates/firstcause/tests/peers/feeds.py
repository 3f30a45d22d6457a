"""Makes of a staged case what the methods take: a frame of metrics, of spans, of logs, and of counts in windows.

Nothing is chosen by what a method would find in it. Where the package assumes a density that the data have not, the
feed is shaped so that nothing of the data is lost by it.
"""

import re

import numpy as np
import pandas as pd

SECOND_NS = 10**9
# The multi-source methods take every 15th row, twice, because the data they were published with has one a second.
EVERY = 15 * 15
# Their windows are of 15 s; where less history is there, finer ones leave them as much to learn from.
WINDOWS_S = [15, 5, 1]
WINDOWS_BEFORE_MIN = 20
BYTES = {"By", "bytes"}
# What varies in a line of a log: numbers, ids, addresses.
VARIABLE = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]{8,}\b|\d+")


def inject_seconds(case):
    return case.wrong_from_ns / SECOND_NS


def is_on_both_sides(case, times):
    """Whether anything is there before and anything since: each of the methods compares the two."""
    return bool((times < case.wrong_from_ns).any() and (times >= case.wrong_from_ns).any())


def metric_frame(case):
    """One column a series, `<service>_<number>`, memory in bytes as `_mem`; one row a step, the steps never across the
    moment since when something is wrong. Steps without a point keep the last value, as the package's own scripts do."""
    points = case.metrics
    keys = ["service", "instance", "metric", "unit", "kind", "attributes"]
    series = points.groupby(keys, sort=True).ngroup()
    units = points.groupby(series)[["service", "unit", "metric"]].first()
    names = {}
    for number, (service, unit, metric) in units.iterrows():
        is_memory = unit in BYTES and "mem" in metric.lower()
        names[number] = f"{service}_m{number:04d}" + ("_mem" if is_memory else "")
    step = step_ns(points["at_ns"], series)
    place = (points["at_ns"] - case.wrong_from_ns) // step
    rows = pd.DataFrame({"place": place, "column": series.map(names), "value": points["value"]})
    frame = rows.pivot_table(index="place", columns="column", values="value", aggfunc="mean").sort_index()
    frame = frame.ffill().fillna(0.0)
    frame.insert(0, "time", (frame.index * step + case.wrong_from_ns) / SECOND_NS)
    return frame.reset_index(drop=True).rename_axis(columns=None)


def step_ns(times, series):
    """The median time between two points of a series."""
    gaps = pd.DataFrame({"at": times, "series": series}).sort_values(["series", "at"]).groupby("series")["at"].diff()
    gaps = gaps[gaps > 0]
    return int(gaps.median()) if len(gaps) else 60 * SECOND_NS


def span_frame(case):
    """The spans, times in microseconds, durations too. A span whose operation did not occur before is left out: every
    one of the methods looks its history up and ends with an error where there is none."""
    spans = case.spans
    frame = pd.DataFrame({
        "traceID": spans["trace_id"],
        "spanID": spans["span_id"],
        "parentSpanID": spans["parent_id"],
        "serviceName": spans["service"],
        "methodName": spans["name"],
        "operationName": spans["name"],
        "startTime": (spans["start_ns"].astype("int64") // 1000),
        "duration": ((spans["end_ns"] - spans["start_ns"]).astype("int64") // 1000),
    })
    operation = frame["serviceName"] + "_" + frame["methodName"]
    before = frame["startTime"] + frame["duration"] < case.wrong_from_ns // 1000
    return frame[operation.isin(set(operation[before]))].reset_index(drop=True)


def log_frame(case):
    return pd.DataFrame({"container_name": case.logs["service"], "message": case.logs["body"].astype(str)})


def window_s(case, times):
    """The widest window that cuts the history into enough of them; `times` are those of anything recorded."""
    for seconds in WINDOWS_S:
        before = times[times < case.wrong_from_ns]
        if len(np.unique((before - case.wrong_from_ns) // (seconds * SECOND_NS))) >= WINDOWS_BEFORE_MIN:
            return seconds
    return WINDOWS_S[-1]


def windows(case, times, keys, values, how):
    """A frame of one column a key and one row a window in which anything at all was recorded: a pause of the recording
    is not silence. `how` is `sum`, and nothing is zero, or `mean`, and nothing is unknown."""
    times = times.to_numpy(dtype="int64")
    width = window_s(case, times) * SECOND_NS
    place = (times - case.wrong_from_ns) // width
    rows = pd.DataFrame({"place": place, "key": keys.to_numpy(), "value": np.asarray(values, dtype=float)})
    frame = rows.pivot_table(index="place", columns="key", values="value", aggfunc=how).sort_index()
    frame = frame.fillna(0.0) if how == "sum" else frame.ffill().fillna(0.0)
    frame.insert(0, "time", (frame.index * width + case.wrong_from_ns) / SECOND_NS)
    return frame.reset_index(drop=True).rename_axis(columns=None)


def log_counts(case):
    """How often each template of each service was written."""
    masked = case.logs["body"].astype(str).map(lambda line: VARIABLE.sub("#", line))
    number = masked.groupby(masked).ngroup()
    keys = case.logs["service"] + "_t" + number.astype(str)
    return windows(case, case.logs["at_ns"], keys, np.ones(len(keys)), "sum")


def span_counts(case):
    """How often each operation failed, and how long it took, in windows."""
    spans = case.spans
    number = spans.groupby("name").ngroup()
    keys = spans["service"] + "_o" + number.astype(str)
    errors = windows(case, spans["end_ns"], keys, spans["status"] == "error", "sum")
    times = windows(case, spans["end_ns"], keys, (spans["end_ns"] - spans["start_ns"]) / 1000, "mean")
    return errors, times
