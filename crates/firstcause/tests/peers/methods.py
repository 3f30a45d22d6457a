"""The methods, each fed and asked as its published code wants it. What they rank are services, most suspicious first.

A method is a function from a case to `[(service code, score)]`. Where it gives an order only, so do the scores; where
it gives scores, equal ones stay equal. `NotApplicable` says what a method needs and the case has not.
"""

import ast
import contextlib
import io
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import feeds

# Before anything of the package: what it prints and warns of is nobody's business here.
warnings.filterwarnings("ignore")
os.environ.setdefault("MPLBACKEND", "Agg")

import RCAEval.e2e  # noqa: E402
from RCAEval.e2e.baro import baro, mmbaro, mmnsigma  # noqa: E402
from RCAEval.e2e.microrank import microrank  # noqa: E402
from RCAEval.e2e.pdiagnose import main as pdiagnose  # noqa: E402
from RCAEval.e2e.tracerca import tracerca  # noqa: E402

# Any name but one makes the package leave the column of the time out; this one says that traces may be used.
DATASET = "re2-tt"
# Windows before that the multi-source methods leave out of the history of errors.
LEFT_OUT = 2


class NotApplicable(Exception):
    """What the method needs and is not there."""


def by_service(names):
    """Services in the order of their first mention."""
    order = list(dict.fromkeys(name.split("_")[0] for name in names))
    return [(code, float(len(order) - place)) for place, code in enumerate(order)]


def of_metrics(method):
    def run(case):
        frame = needed_metrics(case)
        return lambda: by_service(method(frame, feeds.inject_seconds(case), dataset=DATASET)["ranks"])

    return run


def of_traces(method):
    def run(case):
        frame = needed_spans(case)
        return lambda: by_service(method(frame, case.wrong_from_ns // 1000, dataset=DATASET)["ranks"])

    return run


def of_everything(method):
    def run(case):
        metric = needed_metrics(case)
        data = {"metric": metric.loc[np.repeat(metric.index, feeds.EVERY)].reset_index(drop=True)}
        has_logs = feeds.is_on_both_sides(case, case.logs["at_ns"])
        data["logts"] = feeds.log_counts(case) if has_logs else nothing(metric)
        if feeds.is_on_both_sides(case, case.spans["end_ns"]):
            errors, times = feeds.span_counts(case)
            # The code leaves the last two windows before out, and ends with an error when nothing remains.
            if (errors["time"] < feeds.inject_seconds(case)).sum() > LEFT_OUT:
                data["tracets_err"], data["tracets_lat"] = errors, times
        return lambda: by_service(method(data, feeds.inject_seconds(case), dataset=DATASET)["ranks"])

    return run


def of_files(case):
    """PDiagnose is a script that reads files at fixed places and prints its ranking."""
    frame = needed_metrics(case)
    # It counts points that are not below the mean plus three deviations: a series that never moves would count for
    # its service at every step. A service without any series has a place in its list by one that is never there.
    moving = frame.loc[:, frame.nunique() > 1]
    for code in {case.code(service) for service in case.services}:
        if not any(column.startswith(f"{code}_") for column in moving.columns):
            moving[f"{code}_none"] = np.nan
    moving = moving.rename(columns={name: name.removesuffix("_mem") for name in moving.columns})
    folder = Path(tempfile.mkdtemp())
    inside = folder / "data/mm-ob/checkoutservice_cpu/1"
    inside.mkdir(parents=True)
    moving.to_csv(inside / "simple_metrics.csv", index=False)
    feeds.log_frame(case).to_csv(inside / "logs.csv", index=False)
    pd.DataFrame({"time": []}).to_csv(inside / "logts.csv", index=False)
    feeds.span_frame(case).to_csv(inside / "traces.csv", index=False)
    (inside / "inject_time.txt").write_text(str(int(feeds.inject_seconds(case))))

    def run():
        said = io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(said):
            pdiagnose()
        return [(code, float(score)) for code, score in ast.literal_eval(said.getvalue().strip().splitlines()[-1])]

    return run


def nothing(metric):
    """A frame of windows in which nothing happened: the moment alone is in it."""
    return pd.DataFrame({"time": metric["time"]})


def needed_metrics(case):
    if not len(case.metrics):
        raise NotApplicable("it needs metrics and there are none")
    if not feeds.is_on_both_sides(case, case.metrics["at_ns"]):
        raise NotApplicable("it needs metrics before and after")
    return feeds.metric_frame(case)


def needed_spans(case):
    if not len(case.spans):
        raise NotApplicable("it needs traces and there are none")
    if not feeds.is_on_both_sides(case, case.spans["end_ns"]):
        raise NotApplicable("it needs traces before and after")
    return feeds.span_frame(case)


METHODS = {
    "baro": of_metrics(baro),
    "baro-multi": of_everything(mmbaro),
    "microrank": of_traces(microrank),
    "nsigma": of_metrics(RCAEval.e2e.nsigma),
    "nsigma-multi": of_everything(mmnsigma),
    "pdiagnose": of_files,
    "torai": of_everything(sys.modules["RCAEval.e2e.torai"].torai),
    "tracerca": of_traces(tracerca),
}
