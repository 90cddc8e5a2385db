"""The guest itself: what a command did comes back, and a guest that cannot say so is an error with its reason."""

import pytest

import guest


def test_status_and_output_of_a_command_come_back(tmp_path):
    from_host = tmp_path / "from-host"
    from_host.write_text("a file of the host\n")
    result = guest.run("/tests/script; cat /tests/from-host; uname -r; missing-program; exit 7",
                       programs=["ipvsadm"], modules=["ip_vs"],
                       files={"/tests/script": "#!/bin/sh\necho script\nipvsadm -ln\n", "/tests/from-host": from_host})
    lines = result.output.splitlines()
    assert result.status == 7, result.output
    assert lines[0] == "script"
    assert lines[1].startswith("IP Virtual Server")
    assert "a file of the host" in lines
    assert guest.debian_kernel().version in lines
    assert lines[-1].endswith("missing-program: not found")
    assert (result.folder / "output").read_text().startswith("script\n")


def test_a_panic_is_told_from_the_console():
    with pytest.raises(guest.GuestError, match="the guest's kernel died: Kernel panic - not syncing: sysrq"):
        guest.run("echo before; echo c >/proc/sysrq-trigger; sleep 1000")


def test_a_guest_that_never_ends_is_stopped():
    with pytest.raises(guest.GuestError, match="in 20 s: it hangs"):
        guest.run("sleep 1000", timeout=20)


def test_a_guest_that_stops_without_a_status_is_an_error():
    with pytest.raises(guest.GuestError, match="stopped before the command ended"):
        guest.run("poweroff -f; sleep 1000")


def test_a_missing_program_is_named_before_anything_boots():
    with pytest.raises(guest.GuestError, match="no program ballast-nothing"):
        guest.run("true", programs=["ballast-nothing"])


def test_a_missing_module_is_named_before_anything_boots():
    with pytest.raises(guest.GuestError, match="ballast_nothing not found"):
        guest.run("true", modules=["ballast_nothing"])


def test_modules_come_after_what_they_need():
    names = [path.stem for path in guest.debian_kernel().modules(["ip_vs_rr", "ipip", "ip_vs"])]
    assert len(names) == len(set(names))
    for earlier, later in (("crc32c_generic", "libcrc32c"), ("libcrc32c", "nf_conntrack"), ("nf_defrag_ipv6", "ip_vs"),
                           ("nf_conntrack", "ip_vs"), ("ip_vs", "ip_vs_rr"), ("ip_tunnel", "ipip")):
        assert names.index(earlier) < names.index(later), names
