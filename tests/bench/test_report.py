"""What writes docs/performance.md and its picture, on the figures of a small run that never was."""

import copy
import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench/datapath"))
import plot  # noqa: E402
import report  # noqa: E402

FIGURES = json.loads(pathlib.Path(__file__).with_name("figures.json").read_text(encoding="utf-8"))
DOCUMENT = ROOT / "docs/performance.md"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(name="figures")
def fixture_figures():
    return copy.deepcopy(FIGURES) | {"machine": "2 CPUs (Test), Linux 6.1"}


def cells(table, name):
    """The row of a table that begins with this name."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    found = [row for row in rows if row[0] == name]
    assert len(found) == 1, f"{name} in\n{table}"
    return found[0][1:]


def test_costs_stand_in_the_column_of_their_flows(figures):
    table = report.cost_table(figures["cost"])
    assert cells(table, "ns a packet, median / best")[:3] == ["1 flow", "1,024 flows", "65,536 flows"]
    assert cells(table, "DR, IPv4") == ["40 / 38", "", "210 / 205", "", "", "450 / 430"]
    assert cells(table, "for no VIP, IPv6")[0] == "15 / 14"
    assert cells(table, "FNAT, answer, IPv4")[2] == "350 / 340"


def test_what_is_over_its_bar_is_bold_and_what_has_no_yardstick_is_left_out(figures):
    table = report.ratio_table(figures["cost"])
    assert cells(table, "DR, IPv4") == ["0.5", "**0.67** / 0.32", "", "0.40 / 0.20", "", "", "**0.75** / 0.36"]
    assert cells(table, "for no VIP, IPv6")[:2] == ["0.7", "0.43 / 0.21"]
    assert "FNAT, answer" not in table


def test_a_share_names_the_bars_that_it_is_under(figures):
    table = report.share_table(figures["throughput"])
    lines = [line for line in table.splitlines() if line.startswith("| Ballast, DR")]
    assert "| 1 flow | 79% | 5.2 | 1.3 |  | 85% of redirect |" in lines[0]
    assert "| new connections | 24% | 5.3 |  | 6.5 |  |" in lines[1]
    assert "bare XDP redirect" not in table


def test_requests_show_median_range_share_and_failures(figures):
    assert cells(report.requests_table(figures["requests"]), "Ballast, DR") == [
        "90,696 / 88,000 to 91,000", "78%", "0", "11,570 / 11,000 to 12,000", "59%", "1"]


def test_the_document_is_filled_in_between_its_markers_and_nowhere_else(figures):
    parts = report.sections(figures)
    text = DOCUMENT.read_text(encoding="utf-8")
    filled = report.fill(text, parts)
    for name, part in parts.items():
        assert f"<!-- begin {name}, written by scripts/bench -->\n{part}\n<!-- end {name} -->" in filled
    assert report.fill(filled, dict.fromkeys(parts, "")) == report.fill(text, dict.fromkeys(parts, ""))
    assert report.fill(filled, parts) == filled


@pytest.mark.parametrize("document", ["", "<!-- end cost -->\n<!-- begin cost, written by scripts/bench -->",
                                      2 * "<!-- begin cost, written by scripts/bench -->\n<!-- end cost -->\n"])
def test_a_document_without_its_markers_is_refused_in_words(document):
    with pytest.raises(SystemExit, match="begin cost"):
        report.fill(document, {"cost": "table"})


def test_the_picture_has_a_bar_for_each_mode_and_for_katran_and_says_what_it_is(figures):
    picture = xml.etree.ElementTree.fromstring(plot.draw(figures["cost"], report.COLUMNS, report.head))
    titles = [each.text for each in picture.iter(f"{SVG}title")]
    assert {"DR, 1 flow: 38 ns", "NAT, 1 flow: 44 ns", "Katran, TUN, scaled, 1 flow: 60 ns", "DR, new, evicting: 430 ns",
            "bare MAC swap: 7.7 ns"} <= set(titles)
    bars = {bar.find(f"{SVG}title").text: float(bar.get("height")) for bar in picture.iter(f"{SVG}rect")
            if bar.find(f"{SVG}title") is not None}
    assert len(bars) == 7
    assert bars["DR, 65,536 flows: 205 ns"] / bars["DR, 1 flow: 38 ns"] == pytest.approx(205 / 38, rel=0.02)
    assert max(bars.values()) < plot.HEIGHT


def test_what_is_left_out_of_a_run_is_left_out_of_the_picture(figures):
    figures["cost"]["rows"] = []
    assert "<svg" in plot.draw(figures["cost"], report.COLUMNS, report.head)


def test_the_whole_writes_both_files(tmp_path):
    (tmp_path / "performance.md").write_text(DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    for name, figures in FIGURES.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(figures), encoding="utf-8")
    subprocess.run([sys.executable, ROOT / "bench/datapath/report.py", tmp_path, "--docs", tmp_path], check=True)
    assert "| DR, IPv4 | 40 / 38 |" in (tmp_path / "performance.md").read_text(encoding="utf-8")
    xml.etree.ElementTree.parse(tmp_path / "performance.svg")
