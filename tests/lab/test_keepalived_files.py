"""Files of keepalived's: `keepalived -t` and `ballastctl check` find the same files right and the same lines wrong.

tests/keepalived-corpus holds files of our own. A file that Ballast judges otherwise on purpose says so in a comment:
`# ballast: clean`, `# ballast: warning 12`, `# ballast: error 12`, with the line of the first complaint."""

import gzip
import json
import pathlib
import re

import pytest

from lab.balancer import CTL
from lab.shell import run

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "keepalived-corpus"
SAMPLES = pathlib.Path("/usr/share/doc/keepalived/samples")
MANUAL = pathlib.Path("/usr/share/man/man5/keepalived.conf.5.gz")
IDENTITY = "one"  # of the lines that begin with @one
# Samples that are wrong themselves, with the first line that is.
BROKEN = {
    "keepalived.conf.vrrp.lvs_syncd": 4,  # a group without its block
    "keepalived.conf.vrrp.rules": 11,  # an address of three numbers and a dot
}


@pytest.fixture(scope="module")
def machine():
    """A namespace with the interfaces that the files speak of."""
    name = "ballast-corpus"
    run("ip", "netns", "delete", name, check=False)
    run("ip", "netns", "add", name)
    for number in range(3):
        run("ip", "-n", name, "link", "add", f"eth{number}", "type", "veth", "peer", "name", f"peer{number}")
        run("ip", "-n", name, "address", "add", f"192.0.2.{number + 1}/24", "dev", f"eth{number}")
        for device in (f"eth{number}", f"peer{number}"):
            run("ip", "-n", name, "link", "set", device, "up")
    yield ("ip", "netns", "exec", name)
    run("ip", "netns", "delete", name, check=False)


def keepalived(machine, file):
    """None: it has nothing to say. Else the line of its first complaint, 0 where it names none."""
    answer = run(*machine, "keepalived", "-t", "-i", IDENTITY, "-f", file, check=False)
    if answer.returncode == 0:
        return None
    line = re.search(r"Line (\d+)\)", answer.stderr + answer.stdout)
    return int(line.group(1)) if line else 0


def ballast(machine, file, *options):
    """The worst severity, or `clean`, and the line of the first complaint."""
    answer = run(*machine, CTL, "check", "--json", "--config-id", IDENTITY, *options, file, check=False)
    faults = json.loads(answer.stdout)
    assert answer.returncode == (2 if any(each["severity"] == "error" for each in faults) else 1 if faults else 0)
    if not faults:
        return "clean", 0
    worst = "error" if any(each["severity"] == "error" for each in faults) else "warning"
    return worst, faults[0]["line"]


def judged_apart(file):
    """What the file's comment says of Ballast; None: the same as keepalived."""
    said = re.search(r"# ballast: (clean|warning|error)(?: (\d+))?", file.read_text(encoding="utf-8"))
    return (said.group(1), int(said.group(2) or 0)) if said else None


def agree(theirs, ours):
    """Both find nothing, or both complain first of the same line where keepalived names one."""
    if theirs is None or ours[0] == "clean":
        return theirs is None and ours[0] == "clean"
    return theirs in (0, ours[1])


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*.conf")), ids=lambda file: file.stem)
def test_a_file_is_judged_as_keepalived_does_or_the_file_says_how_else(machine, file):
    theirs, ours, apart = keepalived(machine, file), ballast(machine, file), judged_apart(file)
    if apart is None:
        assert agree(theirs, ours), f"keepalived: {'clean' if theirs is None else f'line {theirs}'}, Ballast: {ours}"
    else:
        assert ours == apart
        assert not agree(theirs, ours), "both say the same: the comment is no longer true"


def test_the_corpus_is_of_every_block():
    names = [file.stem for file in CORPUS.glob("*.conf")]
    assert len(names) >= 60
    for part in ("vrrp", "static", "global", "service", "check", "text"):
        assert sum(name.startswith(part + "-") for name in names) >= 1, part


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="keepalived's samples are not installed")
def test_keepaliveds_samples_load_without_an_error(machine):
    files = sorted(SAMPLES.glob("keepalived.conf*"))
    assert len(files) > 20
    for file in files:
        answer = run(*machine, CTL, "check", "--json", "--config-id", "high", file, check=False)  # one sample is for `-i high`
        errors = [each["line"] for each in json.loads(answer.stdout) if each["severity"] == "error"]
        assert errors[:1] == ([BROKEN[file.name]] if file.name in BROKEN else []), file


def manual_examples():
    """Configurations of keepalived.conf(5), as one reads them there: blocks that are shown and not filled in."""
    text = gzip.decompress(MANUAL.read_bytes()).decode()
    text = re.sub(r"\\f[A-Z]", "", text).replace("\\e", "\\").replace("\\'", "'").replace("\\\\", "\\")
    shown = re.findall(r"^\.nf\n(.*?)^\.fi$", text[text.index("conditional configuration line"):], re.S | re.M)
    for block in shown:
        lines = re.split(r"^ *(?:will|would) produce.*$", block, maxsplit=1, flags=re.M)[0].splitlines()
        yield "\n".join(line for line in lines if line.strip() != "...")


@pytest.mark.skipif(not MANUAL.is_file(), reason="keepalived's manual is not installed")
def test_the_manuals_examples_load_without_an_error(machine, tmp_path):
    context = "".join(f"vrrp_script offset_instance_{number} {{\n  script /bin/true\n}}\n" for number in range(2))
    wanted = {"router_id": "@main", "$INSTANCE": "$INSTANCE", "$VS": "$VS", "~SEQ(IF": "$VI4"}
    seen = set()
    for number, example in enumerate(manual_examples()):
        for name, sign in wanted.items():
            if name not in example or sign not in example:
                continue
            seen.add(name)
            if name == "router_id":  # it shows what differs, and leaves the rest to the reader
                example = example.replace("vrrp_instance VRRP {", "vrrp_instance VRRP {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n1.2.3.9\n}")
            if name == "$VS":  # an empty line ends a definition, for keepalived -t, too
                example = example.replace("\\\n\n", "\\\n")
            file = tmp_path / f"{number}.conf"
            file.write_text((context if name == "$INSTANCE" else "") + example, encoding="utf-8")
            answer = run(*machine, CTL, "check", "--json", "--config-id", "main", file, check=False)
            errors = [each for each in json.loads(answer.stdout) if each["severity"] == "error"]
            assert errors == [], (name, errors[:3])
    assert seen == set(wanted)


def test_a_strict_check_of_what_is_not_done_fails(machine):
    file = CORPUS / "vrrp-later-and-never.conf"
    assert ballast(machine, file)[0] == "warning"
    assert ballast(machine, file, "--strict")[0] == "error"
