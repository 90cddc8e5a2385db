#!/usr/bin/python3
"""Writes the tables of docs/performance.md, between its markers, and docs/performance.svg, from what the benchmarks said.

page.py FOLDER [DOCS]: FOLDER has cost.json, throughput.json and requests.json; a file that is missing leaves its part as it was."""

import json
import pathlib
import sys

# Katran (its IPIP build), published figures in ns a packet, median, the harness's own cost taken off; and the MAC swap there.
KATRAN_SWAP = 15.0
KATRAN = {"IPv4": {1: 104.0, 1024: 174.0, 65536: 518.0, "evicting": 1043.0, "none": 60.0},
          "IPv6": {1: 104.0, 1024: 156.0, 65536: 471.0, "evicting": 1019.0, "none": 61.0}}
BARS = {"TUN": 0.6, "DR": 0.5, "NAT": 0.8, "FNAT": 1.0, "none": 0.5, "evicting": 0.5}
COLOURS = {"DR": "#4e9a06", "NAT": "#3465a4", "TUN": "#c17d11", "FNAT": "#75507b", "Katran": "#888a85"}


def cost_rows(figures):
    """(name, flows, median, best, worst, Katran's figure or None, bar or None)"""
    for row in figures:
        words = row["name"].split()
        family = next((word.rstrip(",") for word in words if word.startswith("IPv")), "IPv4")
        katran, bar = None, None
        known = KATRAN.get(family, {})
        if row["name"].startswith("for no VIP"):
            katran, bar = known["none"], BARS["none"]
        elif words[-1] == "evicting" and words[0] != "FNAT":
            katran, bar = known["evicting"], BARS["evicting"]
        elif "established" in words and row["flows"] in known:
            katran, bar = known[row["flows"]], BARS[words[0]]
        if bar is not None and family == "IPv6":
            bar += 0.2
        yield row, katran, bar


def cost_table(figures):
    swap = next(row["median"] for row in figures if row["name"].startswith("MAC swap"))
    scale = swap / KATRAN_SWAP
    lines = [f"The MAC swap took {swap:.1f} ns in this run and 15 where Katran was measured: *scaled* takes Katran's figure times "
             f"{scale:.2f}.", "",
             "| | flows | median ns | best | worst | of Katran's | of Katran's, scaled | bar |", "|---|---|---|---|---|---|---|---|"]
    for row, katran, bar in cost_rows(figures):
        ratios = f"{row['median'] / katran:.2f} | {row['median'] / katran / scale:.2f} | {bar:.1f}" if katran else " | | "
        flows = f"{row['flows']:,}" if row["flows"] else ""
        lines.append(f"| {row['name']} | {flows} | {row['median']:.0f} | {row['best']:.0f} | {row['worst']:.0f} | {ratios} |")
    return "\n".join(lines)


def throughput_table(figures):
    base = {row["flows"]: row["median"] for row in figures if row["contender"] == "forward"}
    kernel = {row["flows"]: row["median"] for row in figures if row["contender"] == "kernel"}
    lines = ["| Mpps | flows | median | best | worst | of the bare redirect | of nf_tables |", "|---|---|---|---|---|---|---|"]
    for row in figures:
        flows = row["flows"]
        lines.append(f"| {row['name']} | {flows:,} | {row['median']:.2f} | {row['best']:.2f} | {row['worst']:.2f} "
                     f"| {row['median'] / base[flows]:.0%} | {row['median'] / kernel[flows]:.1f} |")
    return "\n".join(lines)


def requests_table(figures):
    lines = ["| | requests/s, median | best / worst | new connections/s, median | best / worst | failed |", "|---|---|---|---|---|---|"]
    for row in figures:
        kept, fresh = row["kept"], row["fresh"]
        lines.append(f"| {row['name']} | {kept[0]:,.0f} | {kept[1]:,.0f} / {kept[2]:,.0f} | {fresh[0]:,.0f} "
                     f"| {fresh[1]:,.0f} / {fresh[2]:,.0f} | {row['failed']} |")
    return "\n".join(lines)


def plot(figures):
    """Bars of ns a packet, IPv4: each mode with 1, 1,024 and 65,536 established flows, beside Katran's."""
    flows = (1, 1024, 65536)
    groups = {mode: [next((row["median"] for row in figures if row["name"] == f"{mode} IPv4 established" and row["flows"] == each), 0)
                     for each in flows] for mode in ("DR", "NAT", "TUN", "FNAT")}
    groups["Katran"] = [KATRAN["IPv4"][each] for each in flows]
    most = max(max(values) for values in groups.values())
    width, height, left, top, base = 760, 340, 60, 40, 290
    scale = (base - top) / most
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" '
             'role="img">', "<title>Nanoseconds a packet, by mode and number of flows</title>",
             '<style>text{fill:#555}@media(prefers-color-scheme:dark){text{fill:#ccc}}</style>',
             f'<text x="{left}" y="20">ns a packet, IPv4, established connections (less is better); Katran: TUN, as published</text>']
    for step in range(0, int(most) + 1, 100):
        y = base - step * scale
        parts.append(f'<line x1="{left}" x2="{width - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="#888" stroke-opacity="0.3"/>'
                     f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{step}</text>')
    bar, gap = 36, 225
    for number, each in enumerate(flows):
        for place, (name, values) in enumerate(groups.items()):
            x, value = left + 15 + number * gap + place * (bar + 4), values[number]
            parts.append(f'<rect x="{x}" y="{base - value * scale:.1f}" width="{bar}" height="{value * scale:.1f}" '
                         f'fill="{COLOURS[name]}"><title>{name}, {each:,} flows: {value:.0f} ns</title></rect>'
                         f'<text x="{x + bar / 2}" y="{base - value * scale - 4:.1f}" text-anchor="middle">{value:.0f}</text>')
        parts.append(f'<text x="{left + 110 + number * gap}" y="{base + 18}" text-anchor="middle">{each:,} '
                     f'flow{"s" if each > 1 else ""}</text>')
    for place, name in enumerate(groups):
        x = left + 15 + place * 90
        parts.append(f'<rect x="{x}" y="{height - 22}" width="12" height="12" fill="{COLOURS[name]}"/>'
                     f'<text x="{x + 18}" y="{height - 12}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def replace(text, name, content):
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if begin not in text or end not in text:
        raise SystemExit(f"the page has no markers {begin} … {end}")
    head, rest = text.split(begin, 1)
    return f"{head}{begin}\n{content}\n{end}{rest.split(end, 1)[1]}"


def write(folder, docs):
    page = docs / "performance.md"
    text = page.read_text(encoding="utf-8")
    tables = {"cost": cost_table, "throughput": throughput_table, "requests": requests_table}
    for name, table in tables.items():
        source = folder / f"{name}.json"
        if not source.exists():
            continue
        figures = json.loads(source.read_text(encoding="utf-8"))
        text = replace(text, name, table(figures))
        if name == "cost":
            (docs / "performance.svg").write_text(plot(figures), encoding="utf-8")
    about = folder / "about.txt"
    if about.exists():
        text = replace(text, "machine", about.read_text(encoding="utf-8").strip())
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    write(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else
                                                  pathlib.Path(__file__).resolve().parents[2] / "docs"))
