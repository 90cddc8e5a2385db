#!/usr/bin/python3
"""IPVS beside Ballast's XDP program in one lab, on Debian's kernel in QEMU: packets a second, new connections a second, and requests
on new connections. The processor is emulated, so a figure means something only beside the others of its table."""

import argparse
import json
import os
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/vm"), str(ROOT / "bench/datapath")]
import guest  # noqa: E402
import report  # noqa: E402

ENGINES = {"xdp": "Ballast's XDP", "ipvs": "IPVS"}
INSIDE = pathlib.Path(__file__).with_name("inside.py")


def in_guest(options):
    """The figures that inside.py leaves, by table, contender and column: a list, one for each round."""
    words = ["/usr/bin/python3", str(INSIDE), "--runs", str(options.runs), "--out", "/guest-out/figures.json", *options.rest]
    command = f"export BALLAST_BIN={ROOT / 'build/bin'} BALLAST_LAB_SLOWNESS=10 PYTHONDONTWRITEBYTECODE=1\nexec {' '.join(words)}"
    ended = guest.run(command, whole=True, memory=3072, timeout=options.timeout,
                      say=lambda text: print(text, end="", file=sys.stderr, flush=True))
    if ended.status != 0:
        sys.exit(f"bench/engines: exit {ended.status} in the guest; whole: {ended.folder}")
    return json.loads((ended.folder / "out/figures.json").read_text(encoding="utf-8"))


def spread(values, unit):
    return f"{statistics.median(values) / unit:,.0f} / {min(values) / unit:,.0f} to {max(values) / unit:,.0f}"


def ratio(rows, contender, column):
    """How many times the other engine's, by medians."""
    engine, _, method = contender.partition(" ")
    other = rows.get(f"ipvs {method}", {}).get(column)
    if engine != "xdp" or not other:
        return ""
    return f" ({statistics.median(rows[contender][column]) / statistics.median(other):.1f}x)"


def table(rows, columns, words, unit):
    lines = [[f"{words}, median / range", *columns]]
    lines.append(["---"] * len(lines[0]))
    for contender, cells in rows.items():
        engine, _, method = contender.partition(" ")
        name = f"{ENGINES[engine]}, {method}" if engine in ENGINES else f"*{contender}*"
        lines.append([name, *(spread(cells[column], unit) + ratio(rows, contender, column) if cells.get(column) else ""
                              for column in columns)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog="What follows -- goes to inside.py.")
    parser.add_argument("--runs", type=int, default=5, help="rounds of all in turn (5)")
    parser.add_argument("--timeout", type=int, default=3000, help="seconds for the guest")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    options.rest = [word for word in options.rest if word != "--"]
    if why := guest.missing():
        sys.exit(f"bench/engines: {why}")
    figures = in_guest(options)
    how = (f"Linux {figures['kernel']} in QEMU (TCG), 2 emulated CPUs on a machine of {os.cpu_count()}; {options.runs} rounds; "
           f"{figures['packets']:,} packets, {figures['new_packets']:,} SYNs, {figures['seconds']} s of wrk each; in brackets: times IPVS.")
    words = "\n\n".join([how, table(figures["flood"], figures["flood_columns"], "thousand packets a second", 1000),
                         *([table(figures["requests"], figures["request_columns"], "requests a second", 1)]
                           if figures["requests"] else [])])
    print(words)
    if options.write:
        report.write_into("performance.md", {"engines": words})


if __name__ == "__main__":
    main()
