"""Reads one staged case: the alert's time and the tables, as the engine is given them. There is no label here."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

OBSERVED_NS = 180 * 10**9
MICROSECOND_NS = 1000

SPANS = ["trace_id", "span_id", "parent_id", "service", "name", "start_ns", "end_ns", "status"]
LOGS = ["at_ns", "service", "body"]
METRICS = ["service", "instance", "metric", "unit", "kind", "attributes", "at_ns", "value"]


@dataclass
class Case:
    """Services go by codes of equal length: the methods split names at `_`, compare their beginnings, and have
    special cases for names of the systems that they were written for."""

    name: str
    wrong_from_ns: int
    at_ns: int
    spans: pd.DataFrame
    logs: pd.DataFrame
    metrics: pd.DataFrame
    services: list

    def code(self, service):
        return f"s{self.services.index(service):03d}"

    def service(self, code):
        """The service of a code, or of a column or operation that begins with one."""
        return self.services[int(code[1:4])]


def table(path, columns):
    if not path.is_file():
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    read = pd.read_csv(path, usecols=columns, dtype=str, keep_default_na=False)
    for name in [name for name in columns if name.endswith("_ns")]:
        read[name] = read[name].astype("int64")
    return read


def read(folder):
    """The case in `folder`. Since when something is wrong is told as the engine is told it (`CaseFile::wrong_from`)."""
    told = json.loads((folder / "case.json").read_text())
    observed = told.get("observed_from", told["at"] - OBSERVED_NS)
    spans, logs, metrics = (
        table(Path(folder) / f"{name}.csv", columns)
        for name, columns in [("spans", SPANS), ("logs", LOGS), ("metrics", METRICS)]
    )
    metrics["value"] = metrics["value"].astype(float)
    services = sorted(set(spans["service"]) | set(logs["service"]) | set(metrics["service"]))
    codes = {service: f"s{number:03d}" for number, service in enumerate(services)}
    for one in (spans, logs, metrics):
        one["service"] = one["service"].map(codes)
    return Case(
        name=folder.name,
        wrong_from_ns=max(min(observed, told["at"]), told["history_from"]),
        at_ns=told["at"],
        spans=spans,
        logs=logs,
        metrics=metrics,
        services=services,
    )
