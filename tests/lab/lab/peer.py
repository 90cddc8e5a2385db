"""peer.py PORT [ipv4]: tells each client who it is, by accept() and, its line read, by getpeername(), and closes; IPv6 and IPv4, or IPv4 alone."""

import socket
import sys


def read_line(sock):
    """Until a segment ends a line, or the client has said all."""
    while True:
        said = sock.recv(4096)
        if not said or said.endswith(b"\n"):
            return


def main():
    port = int(sys.argv[1])
    if "ipv4" in sys.argv[2:]:
        listener = socket.create_server(("", port))
    else:
        listener = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    print("ready", flush=True)
    while True:
        sock, accepted = listener.accept()
        try:
            sock.settimeout(5)
            read_line(sock)
            asked = sock.getpeername()
            sock.sendall(f"{accepted[0]} {accepted[1]} {asked[0]} {asked[1]}\n".encode())
        except OSError as error:
            print(error, flush=True)
        finally:
            sock.close()


main()
