"""udp_echo.py NAME PORT ADDRESS…: answers each datagram with `NAME ` and what came, one socket for each address."""

import selectors
import socket
import sys


def main():
    name, port, addresses = sys.argv[1].encode(), int(sys.argv[2]), sys.argv[3:]
    selector = selectors.DefaultSelector()
    for address in addresses:
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, port))
        selector.register(sock, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            try:
                data, sender = key.fileobj.recvfrom(2048)
                key.fileobj.sendto(name + b" " + data, sender)
            except OSError as error:  # an ICMP error about an earlier answer
                print(error, flush=True)


main()
