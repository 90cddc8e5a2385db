"""probe.py ADDRESS: an ICMP echo every 0.5 ms until SIGTERM, then the longest silence between two answers, in ms.

Says `answered` at the first answer. A silence that lasts until the end counts as one."""

import os
import select
import signal
import socket
import struct
import sys
import time

INTERVAL = 0.0005


def echo(identifier, sequence):
    """An ICMP echo request without payload (RFC 792)."""
    words = (0x0800, 0, identifier, sequence)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return struct.pack("!HHHH", words[0], checksum, identifier, sequence)


def is_answer(packet, identifier):
    header = (packet[0] & 15) * 4
    return len(packet) >= header + 8 and packet[header] == 0 and \
        struct.unpack_from("!H", packet, header + 4)[0] == identifier


def main():
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.setblocking(False)
    sock.connect((sys.argv[1], 0))
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    identifier, sequence, longest, last = os.getpid() & 0xFFFF, 0, 0.0, None
    due = time.monotonic()
    while not ended:
        now = time.monotonic()
        if now >= due:
            try:
                sock.send(echo(identifier, sequence & 0xFFFF))
            except OSError:  # nobody there for the moment
                pass
            sequence, due = sequence + 1, max(due + INTERVAL, now - 10 * INTERVAL)
        if not select.select([sock], [], [], max(0.0, due - time.monotonic()))[0]:
            continue
        try:
            packet = sock.recv(2048)
        except OSError:
            continue
        if is_answer(packet, identifier):
            now = time.monotonic()
            if last is None:
                print("answered", flush=True)
            else:
                longest = max(longest, now - last)
            last = now
    if last is not None:
        longest = max(longest, time.monotonic() - last)
    print(f"{longest * 1000:.3f}", flush=True)


main()
