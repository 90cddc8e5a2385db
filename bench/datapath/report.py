#!/usr/bin/python3
"""Writes the tables of docs/performance.md, each between its markers, and docs/performance.svg, from the figures of one run:
cost.json, throughput.json and requests.json in a folder, as `scripts/bench datapath --write` leaves them in build/bench-figures."""

import argparse
import json
import os
import pathlib
import platform
import re

import plot

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLUMNS = [("established", 1), ("established", 1024), ("established", 65536), ("established", 524288), ("new", 0), ("evicting", 0)]
FLOORS = {"mac_swap": "MAC swap and transmit, the floor", "clock_and_lookup": "clock and array look-up",
          "line": "memory: one line of the table", "buckets": "memory: both buckets of a connection"}
HEADS = {("new", 0): "new", ("evicting", 0): "new, evicting"}


def head(column):
    kind, flows = column
    return HEADS.get(column) or f"{flows:,} flow{'s' if flows > 1 else ''}"


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def label(row):
    """A row of the table: what is measured, without how often."""
    words = row["mode"] if row["kind"] != "foreign" else "for no VIP"
    words += ", telling by TOA" if row["tells"] else ""
    words += ", answer" if row["answer"] else ""
    return f"{words}, IPv{row['family']}"


def by_label(figures):
    rows = {}
    for row in figures["rows"]:
        rows.setdefault(label(row), {})[row["kind"], row["flows"]] = row
    return rows


def both(row):
    return f"{row['median']:.0f} / {row['best']:.0f}"


def cost_table(figures):
    rows = [[f"*{name}*", both(figures[key]), *[""] * (len(COLUMNS) - 1)] for key, name in FLOORS.items()]
    for name, cells in by_label(figures).items():
        found = [cells.get(column) or (cells.get(("foreign", 0)) if column == COLUMNS[0] else None) for column in COLUMNS]
        rows.append([name, *(both(row) if row else "" for row in found)])
    return table(["ns a packet, median / best", *map(head, COLUMNS)], rows)


def ratio(row):
    if not row or "ratio" not in row:
        return ""
    words = f"{row['ratio']:.2f}"
    return f"{f'**{words}**' if row['ratio'] > row['bar'] else words} / {row['ratio_by_lookup']:.2f}"


def bars_of(cells):
    return " or ".join(f"{bar:g}" for bar in sorted({row["bar"] for row in cells.values() if "bar" in row}, reverse=True))


def ratio_table(figures):
    rows = []
    for name, cells in by_label(figures).items():
        if not bars_of(cells):
            continue
        found = [cells.get(column) or (cells.get(("foreign", 0)) if column == COLUMNS[0] else None) for column in COLUMNS]
        rows.append([name, bars_of(cells), *map(ratio, found)])
    return table(["of Katran", "bar", *map(head, COLUMNS)], rows)


def stream(flows):
    return f"{flows:,} flow{'s' if flows > 1 else ''}" if flows else "new connections"


def throughput_table(figures):
    streams = list(dict.fromkeys(row["flows"] for row in figures["rows"]))
    names = dict.fromkeys(row["name"] for row in figures["rows"])
    cells = {(row["name"], row["flows"]): f"{row['median']:.2f} / {row['best']:.2f}" for row in figures["rows"]}
    return table(["million a second, median / best", *map(stream, streams)],
                 [[name, *(cells.get((name, flows), "") for flows in streams)] for name in names])


def share_table(figures):
    rows = []
    for row in figures["rows"]:
        if "of_redirect" not in row:
            continue
        optional = [f"{row[key]:.1f}" if key in row else "" for key in ("times_katran", "times_dpvs")]
        rows.append([row["name"], stream(row["flows"]), f"{row['of_redirect']:.0%}", f"{row['times_kernel']:.1f}", *optional,
                     ", ".join(row["under"])])
    return table(["", "packets", "of the bare redirect", "x nf_tables", "x Katran", "x DPVS", "under the bar"], rows)


def requests_table(figures):
    rows = {(row["name"], row["kind"]): row for row in figures["rows"]}

    def cells(name, kind):
        row = rows[name, kind]
        return [f"{row['median']:,.0f} / {row['worst']:,.0f} to {row['best']:,.0f}", f"{row['of_ceiling']:.0%}", str(row["failed"])]

    names = dict.fromkeys(row["name"] for row in figures["rows"])
    return table(["requests a second, median / range", "kept connections", "of the ceiling", "failed", "new connections",
                  "of the ceiling", "failed"], [[name, *cells(name, "kept"), *cells(name, "new")] for name in names])


def how(figures):
    cost, throughput, requests = figures["cost"], figures["throughput"], figures["requests"]
    return (f"{figures['machine']}. Cost: {cost['runs']} runs of {cost['packets']:,} packets; packets a second: "
            f"{throughput['runs']} runs of {throughput['packets']:,}, of new connections {throughput['new_packets']:,}; requests: "
            f"{requests['runs']} rounds of {requests['seconds']} s, {requests['connections']} connections at a time.")


def sections(figures):
    """What stands between the markers, by their names."""
    return {"run": how(figures), "cost": cost_table(figures["cost"]), "ratios": ratio_table(figures["cost"]),
            "throughput": throughput_table(figures["throughput"]), "shares": share_table(figures["throughput"]),
            "requests": requests_table(figures["requests"])}


def fill(document, parts):
    """The document with each part between its markers; everything else as it was."""
    for name, part in parts.items():
        begin, end = f"<!-- begin {name}, written by scripts/bench -->", f"<!-- end {name} -->"
        if document.count(begin) != 1 or document.count(end) != 1 or document.index(begin) > document.index(end):
            raise SystemExit(f"the document wants one '{begin}' and after it one '{end}'")
        before, rest = document.split(begin)
        document = f"{before}{begin}\n{part}\n{end}{rest.split(end)[1]}"
    return document


def write_into(document, parts):
    """Fills parts of a document in docs."""
    path = ROOT / "docs" / document
    path.write_text(fill(path.read_text(encoding="utf-8"), parts), encoding="utf-8")
    print(f"written: {path}")


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*: (.+)$", info, re.MULTILINE)
    return f"{os.cpu_count()} CPUs ({model.group(1) if model else platform.machine()}), Linux {platform.release()}"


def read(folder):
    figures = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("cost", "throughput", "requests")}
    return figures | {"machine": machine()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("figures", type=pathlib.Path, help="folder with the figures")
    parser.add_argument("--docs", type=pathlib.Path, default=ROOT / "docs")
    options = parser.parse_args()
    figures = read(options.figures)
    document = options.docs / "performance.md"
    document.write_text(fill(document.read_text(encoding="utf-8"), sections(figures)), encoding="utf-8")
    (options.docs / "performance.svg").write_text(plot.draw(figures["cost"], COLUMNS, head), encoding="utf-8")
    print(f"written: {document}, {options.docs / 'performance.svg'}")


if __name__ == "__main__":
    main()
