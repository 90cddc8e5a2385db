"""What the benchmarks of the data path share: medians, the lab's folder, figures as JSON."""

import argparse
import json
import os
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/lab"))


def spread(values, best=max, worst=min):
    """Median, best and worst; more is better unless told otherwise."""
    return {"median": round(statistics.median(values), 3), "best": round(best(values), 3), "worst": round(worst(values), 3)}


def parser(description, runs):
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("--runs", type=int, default=runs, help=f"rounds of all in turn ({runs})")
    made.add_argument("--json", type=pathlib.Path, help="write the figures to this file as well")
    return made


def need_root():
    if os.geteuid() != 0:
        sys.exit("bench/datapath makes network namespaces and loads BPF: run it as root")


def save(path, figures):
    if path:
        path.write_text(json.dumps(figures) + "\n", encoding="utf-8")
