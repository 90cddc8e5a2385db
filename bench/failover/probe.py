"""probe.py ADDRESS: an ICMP echo every 0.5 ms until SIGTERM, then the longest silence between two answers, in ms, and how many
echoes after the first answer got none.

Says `answered` at the first answer. A silence that lasts until the end counts as one."""

import os
import select
import signal
import socket
import struct
import sys
import time

INTERVAL = 0.0005
PATIENCE = 0.2  # for the last answers, s


def echo(identifier, sequence):
    """An ICMP echo request without payload (RFC 792)."""
    words = (0x0800, 0, identifier, sequence)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return struct.pack("!HHHH", words[0], checksum, identifier, sequence)


def answered(packet, identifier):
    """The sequence number that an answer is about, modulo 65,536; None: it is none of ours."""
    header = (packet[0] & 15) * 4
    if len(packet) < header + 8 or packet[header] != 0:
        return None
    found, sequence = struct.unpack_from("!HH", packet, header + 4)
    return sequence if found == identifier else None


class Account:
    """What was sent, and which answers came."""

    def __init__(self):
        self.sent, self.got, self.first, self.last, self.longest = 0, set(), None, None, 0.0

    def take(self, sequence):
        now = time.monotonic()
        number = self.sent - ((self.sent - sequence) & 0xFFFF)  # the latest one of that number
        if self.first is None:
            print("answered", flush=True)
            self.first = number
        else:
            self.longest = max(self.longest, now - self.last)
        self.got.add(number)
        self.last = now

    def lost(self):
        return self.sent - self.first - len(self.got) if self.first is not None else self.sent


def receive(sock, identifier, account, until):
    """Takes what comes until then."""
    while select.select([sock], [], [], max(0.0, until - time.monotonic()))[0]:
        try:
            sequence = answered(sock.recv(2048), identifier)
        except OSError:  # nobody there for the moment
            continue
        if sequence is not None:
            account.take(sequence)
        if time.monotonic() >= until:
            return


def main():
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.setblocking(False)
    sock.connect((sys.argv[1], 0))
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    identifier, account = os.getpid() & 0xFFFF, Account()
    due = time.monotonic()
    while not ended:
        now = time.monotonic()
        if now >= due:
            try:
                sock.send(echo(identifier, account.sent & 0xFFFF))
            except OSError:
                pass
            account.sent, due = account.sent + 1, max(due + INTERVAL, now - 10 * INTERVAL)
        receive(sock, identifier, account, due)
    receive(sock, identifier, account, time.monotonic() + PATIENCE)
    if account.last is not None and account.lost():
        account.longest = max(account.longest, time.monotonic() - PATIENCE - account.last)
    print(f"{account.longest * 1000:.3f} {account.lost()}", flush=True)


main()
