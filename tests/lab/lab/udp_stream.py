"""udp_stream.py ADDRESS PORT: a numbered datagram every 0.5 ms until SIGTERM; then how many were sent, and which of them
were not answered."""

import select
import signal
import socket
import struct
import sys
import time

INTERVAL = 0.0005
PATIENCE = 1.0  # seconds for the last answers


def main():
    sock = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((sys.argv[1], int(sys.argv[2])))
    sock.setblocking(False)
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(time.monotonic()))
    sent, unanswered, due = 0, {}, time.monotonic()

    def read():
        while select.select([sock], [], [], 0)[0]:
            try:
                number = struct.unpack_from("!I", sock.recv(2048)[-4:])[0]
            except OSError:  # an ICMP error about a datagram that is among the unanswered anyway
                continue
            if unanswered.pop(number, None) is not None and number == 0:
                print("answered", flush=True)

    while not ended:
        if time.monotonic() >= due:
            try:
                sock.send(struct.pack("!I", sent))
            except OSError:
                pass
            unanswered[sent] = time.monotonic()
            sent, due = sent + 1, due + INTERVAL
        read()
    while unanswered and time.monotonic() < ended[0] + PATIENCE:
        read()
    print(sent, *unanswered, flush=True)


main()
