"""`run.py METHOD CASES OUT`: runs one method on every staged case and writes `OUT` in the form of `conclusions.jsonl`.

A method that cannot run on a case, or ends with an error there, says nothing about it: the line's statement begins
with `not applicable:` or `failed:` and names the reason. Nothing is kept from one case to the next.
"""

import contextlib
import json
import os
import sys
import time
from pathlib import Path

# Threads that wait for each other on small matrices make the slowest of the methods ten times slower.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import numpy as np

import methods
import staged

SEED = 0


def peak_bytes(is_reset=False):
    """The most memory held since the last reset, as the engine's own line tells it; 0 where the system does not say."""
    try:
        if is_reset:
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    except (OSError, StopIteration):
        return 0


def ranked(method, folder):
    """Ranking, statement, and the seconds that the method itself took."""
    case = staged.read(folder)
    np.random.seed(SEED)
    began = time.monotonic()
    try:
        with open(os.devnull, "w") as nowhere:
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                ready = methods.METHODS[method](case)
                began = time.monotonic()
                ranking = ready()
    except methods.NotApplicable as reason:
        return [], f"not applicable: {reason}", 0.0
    except Exception as error:  # whatever published code throws is told, not hidden
        return [], f"failed: {type(error).__name__}: {error}", time.monotonic() - began
    seconds = time.monotonic() - began
    ranking = [{"component": case.service(code), "score": score} for code, score in ranking if np.isfinite(score)]
    ranking.sort(key=lambda one: -one["score"])
    return ranking, f"{method} ranks {len(ranking)} services", seconds


def line(method, folder):
    peak_bytes(is_reset=True)
    began = time.monotonic()
    ranking, statement, seconds = ranked(method, folder)
    first = ranking[0]["component"] if ranking else None
    return {
        "schema": "firstcause.prediction/1",
        "case": folder.name,
        "kind": "root_cause" if ranking else "insufficient",
        "root_cause": first,
        "further_causes": [],
        "fault": None,
        "inner": [],
        "changes": [],
        "ranking": ranking,
        "statement": statement,
        "loudest": None,
        "seconds": time.monotonic() - began,
        "engine_seconds": seconds,
        "peak_bytes": peak_bytes(),
    }


def main(method, cases, out):
    with open(out, "w") as lines:
        for folder in sorted(Path(cases).iterdir()):
            told = line(method, folder)
            lines.write(json.dumps(told) + "\n")
            lines.flush()
            print(f"{method} {folder.name}: {told['root_cause']} ({told['seconds']:.2f} s) {told['statement']}")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in methods.METHODS:
        sys.exit(f"usage: run.py METHOD CASES OUT; METHOD one of {', '.join(methods.METHODS)}")
    main(*sys.argv[1:])
