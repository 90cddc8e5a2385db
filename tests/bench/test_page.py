"""The page of figures is written from what the benchmarks said, and nothing else of it changes."""

import json
import pathlib
import shutil
import sys
import xml.etree.ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench/datapath"))
import page  # noqa: E402

COST = [{"name": "MAC swap and transmit", "flows": 0, "median": 10.0, "best": 9.0, "worst": 12.0},
        {"name": "TUN IPv4 established", "flows": 1, "median": 52.0, "best": 50.0, "worst": 60.0},
        {"name": "DR IPv6 established", "flows": 65536, "median": 235.5, "best": 200.0, "worst": 300.0},
        {"name": "NAT IPv4 new, evicting", "flows": 0, "median": 500.0, "best": 490.0, "worst": 600.0},
        {"name": "for no VIP, IPv4", "flows": 0, "median": 12.0, "best": 10.0, "worst": 20.0}]
THROUGHPUT = [{"contender": "forward", "name": "bare XDP redirect", "flows": 1, "median": 6.0, "best": 7.0, "worst": 5.0},
              {"contender": "kernel", "name": "nf_tables DNAT", "flows": 1, "median": 0.5, "best": 0.6, "worst": 0.4},
              {"contender": "dr", "name": "Ballast, DR", "flows": 1, "median": 4.5, "best": 5.0, "worst": 4.0}]
REQUESTS = [{"name": "Ballast, DR", "failed": 0, "kept": [31900.4, 32000, 31000], "fresh": [6124, 6200, 6000]}]


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    shutil.copy(ROOT / "docs/performance.md", folder)
    return folder


def written(docs, tmp_path, **figures):
    for name, content in figures.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    page.write(tmp_path, docs)
    return (docs / "performance.md").read_text(encoding="utf-8")


def test_each_table_is_between_its_markers(docs, tmp_path):
    text = written(docs, tmp_path, cost=COST, throughput=THROUGHPUT, requests=REQUESTS)
    assert "| TUN IPv4 established | 1 | 52 | 50 | 60 | 0.50 | 0.75 | 0.6 |" in text
    assert "| DR IPv6 established | 65,536 | 236 | 200 | 300 | 0.50 | 0.75 | 0.7 |" in text
    assert "| for no VIP, IPv4 |  | 12 | 10 | 20 | 0.20 | 0.30 | 0.5 |" in text
    assert "| Ballast, DR | 1 | 4.50 | 5.00 | 4.00 | 75% | 9.0 |" in text
    assert "| Ballast, DR | 31,900 | 32,000 / 31,000 | 6,124 | 6,200 / 6,000 | 0 |" in text
    assert written(docs, tmp_path) == text, "writing it again changes nothing"


def test_what_was_not_measured_stays_as_it_was(docs, tmp_path):
    before = written(docs, tmp_path, requests=REQUESTS)
    (tmp_path / "requests.json").unlink()
    after = written(docs, tmp_path, throughput=THROUGHPUT)
    assert "| Ballast, DR | 31,900 |" in before and "| Ballast, DR | 31,900 |" in after


def test_the_plot_is_a_picture_with_every_bar(docs, tmp_path):
    written(docs, tmp_path, cost=COST)
    picture = xml.etree.ElementTree.parse(docs / "performance.svg").getroot()
    titles = [each.text for each in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert "TUN, 1 flows: 52 ns" in titles and "Katran, 65,536 flows: 518 ns" in titles


def test_a_page_without_markers_is_refused(docs, tmp_path):
    (docs / "performance.md").write_text("# Speed\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="no markers"):
        written(docs, tmp_path, requests=REQUESTS)
