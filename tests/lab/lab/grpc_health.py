"""A gRPC server with grpc.health.v1.Health/Check: `python3 -m lab.grpc_health ADDRESS PORT STATES [CERTIFICATE KEY]`

STATES is a file of lines `SERVICE=STATUS`, read at each request. The two messages are small enough to be written by hand."""

import concurrent.futures
import pathlib
import sys

import grpc


def service_of(request):
    """Field 1 of a HealthCheckRequest: a name shorter than 128 bytes."""
    return request[2:2 + request[1]].decode() if request else ""


def make_check(states):
    def check(request, context):
        lines = states.read_text(encoding="utf-8").splitlines()
        known = dict(line.split("=") for line in lines)
        name = service_of(request)
        if name not in known:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return bytes([8, int(known[name])])
    return check


def main(address, port, states, *pair):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    handler = grpc.unary_unary_rpc_method_handler(make_check(pathlib.Path(states)))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler}),))
    if pair:
        certificate, key = (pathlib.Path(file).read_bytes() for file in pair)
        taken = server.add_secure_port(f"{address}:{port}", grpc.ssl_server_credentials([(key, certificate)]))
    else:
        taken = server.add_insecure_port(f"{address}:{port}")
    assert taken == int(port)
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
