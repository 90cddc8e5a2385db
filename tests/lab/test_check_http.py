"""Checks over TLS, HTTP/2 and gRPC against real servers: nginx, nghttpd and grpcio."""

import datetime
import json

import pytest

from lab.balancer import CTL, Ballast
from lab.cluster import GLOBALS, instance
from lab.shell import run, wait_until
from lab.tls import Authority, GrpcServer, TlsNginx


class Site:
    """A load balancer and one machine with all the servers; each check is a service of its own."""

    def __init__(self, lab):
        self.front = lab.network("front")
        self.lb, self.web = lab.node("lb1", 11, "front"), lab.node("web1", 21, "front")
        self.vip, self.address = self.front.address(100), self.web.address("front")
        self.pki = Authority(self.web.folder / "pki")
        for name in ("a", "b", "default"):
            self.pki.certificate(name, f"{name}.example.com")
        self.pki.certificate("short", "a.example.com", days=5)
        self.pki.certificate("client", "checkd")
        self.ballast = Ballast(self.lb)
        self.ports = {}

    def ssl_get(self, url="path /", **options):
        return self._check("SSL_GET", f"url {{\n{url}\n}}", options)

    def _check(self, kind, inner, options):
        words = "\n".join(f"{name} {value}" for name, value in options.items())
        return f"{kind} {{\n{inner}\n{words}\nconnect_timeout 2\ndelay_loop 0.3\nretry 0\nwarmup 0\n}}"

    def http_get(self, url="path /", **options):
        return self._check("HTTP_GET", f"url {{\n{url}\n}}", options)

    def grpc(self, **options):
        return self._check("GRPC_CHECK", "", options)

    def verify(self, name):
        return {"enable_sni": "", "tls_verify": "on", "tls_ca_file": self.pki.path("ca.pem"), "tls_server_name": name}

    def start(self, **checks):
        """Starts Ballast with a service for each check: `name=(port of the server, check)`."""
        parts = [GLOBALS % "lb_interfaces eth0", instance("VI_1", 150, [f"{self.vip}/24"])]
        for number, (name, (port, check)) in enumerate(checks.items(), 1001):
            self.ports[name] = number
            parts.append(f"""virtual_server {self.vip} {number} {{
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    real_server {self.address} {port} {{
        {check}
    }}
}}
""")
        self.ballast.start("\n".join(parts))
        return self

    def health(self, name):
        """What checkd says of the server of that check; empty before its first word."""
        result = run(CTL, "--run-dir", self.ballast.run_dir, "health", "--json", check=False)
        listed = json.loads(result.stdout) if result.returncode == 0 else []
        wanted = f"{self.vip}:{self.ports[name]}"
        return next((each for each in listed if wanted in each["service"]), {})

    def wait_reason(self, name, text, limit=20):
        return wait_until(lambda: text in self.health(name).get("reason", ""),
                          f"{name} says '{text}' and not '{self.health(name)}'", limit)


@pytest.fixture(name="site")
def make_site(lab):
    return Site(lab)


def test_ssl_get_against_nginx(site):
    nginx = TlsNginx(site.web, site.pki).start()
    wrong = site.verify("c.example.com")
    site.start(
        good=(443, site.ssl_get("path /\nstatus_code 200\nregex \"state: well\"", **site.verify("a.example.com"))),
        other=(443, site.ssl_get("path /\nregex \"state: well\"\nvirtualhost b.example.com", enable_sni="")),
        unwell=(4431, site.ssl_get(**site.verify("a.example.com"))),
        wrong=(443, site.ssl_get(**wrong)),
        untrusted=(443, site.ssl_get(**{"tls_verify": "on", "tls_server_name": "a.example.com"})),
        slow=(4432, site.ssl_get("path /large")),
        short=(4433, site.ssl_get(**site.verify("a.example.com"))),
        known=(4434, site.ssl_get(tls_certificate=site.pki.path("client.pem"), tls_key=site.pki.path("client.key"))),
        unknown=(4434, site.ssl_get()),
        two=(443, site.ssl_get(http_protocol="2", **site.verify("a.example.com"))),
        no_two=(4431, site.ssl_get(http_protocol="2")),
        plain=(80, site.ssl_get()))
    site.wait_reason("good", "GET /: status 200, the regex matches")
    assert site.health("good")["up"]
    site.wait_reason("other", "GET /: the regex does not match the body")
    site.wait_reason("unwell", "GET /: status 503, wanted 200-299")
    site.wait_reason("wrong", "certificate is for default.example.com, wanted c.example.com")
    site.wait_reason("untrusted", "certificate signed by an unknown authority (An authority)")
    site.wait_reason("slow", "GET /large: timed out after 2 s")
    site.wait_reason("short", "GET /: status 204")
    site.wait_reason("known", "GET /: status 204")
    site.wait_reason("unknown", "GET /: status 400, wanted 200-299")
    site.wait_reason("two", "GET /: status 200")
    site.wait_reason("no_two", "refused by the server (no application protocol)")
    site.wait_reason("plain", "this is not TLS")
    for name in ("other", "unwell", "wrong", "untrusted", "slow", "unknown", "no_two", "plain"):
        assert not site.health(name)["up"], name
    log = nginx.access.read_text(encoding="utf-8")
    assert '443 a.example.com HTTP/2.0 ' in log and '443 b.example.com HTTP/1.1 b.example.com' in log
    assert '4434 - HTTP/1.1' in log and '"CN=checkd"' in log
    until = datetime.datetime.fromtimestamp(site.health("short")["certificate_until"], datetime.timezone.utc)
    assert 4 <= (until - datetime.datetime.now(datetime.timezone.utc)).days <= 5


def test_http2_in_plain_text_against_nginx_and_nghttpd(site):
    TlsNginx(site.web, site.pki).start()
    root = site.web.folder / "root"
    root.mkdir()
    (root / "health").write_text("well\n", encoding="utf-8")
    site.web.start("nghttpd", "--no-tls", "-a", site.address, "-d", root, 8080, log="nghttpd.log")
    site.start(nginx=(80, site.http_get(http_protocol="2")),
               nghttpd=(8080, site.http_get("path /health\nregex ^well$", http_protocol="2")),
               missing=(8080, site.http_get("path /none", http_protocol="2")),
               old=(8080, site.http_get("path /health")))
    site.wait_reason("nginx", "GET /: status 200")
    site.wait_reason("nghttpd", "GET /health: status 200, the regex matches")
    site.wait_reason("missing", "GET /none: status 404, wanted 200-299")
    wait_until(lambda: not site.health("old").get("up", True), "HTTP/1.1 is not understood by nghttpd")


def test_grpc_health_against_grpcio(site):
    plain = GrpcServer(site.web, 50051)
    GrpcServer(site.web, 50052, (site.pki.path("a.pem"), site.pki.path("a.key")))
    plain.say(**{"": 1, "shop": 1, "stock": 2})
    site.start(whole=(50051, site.grpc()),
               shop=(50051, site.grpc(grpc_service="shop")),
               stock=(50051, site.grpc(grpc_service="stock")),
               none=(50051, site.grpc(grpc_service="none")),
               tls=(50052, site.grpc(tls="on", **site.verify("a.example.com"))),
               wrong=(50052, site.grpc(tls="on", **site.verify("b.example.com"))),
               dead=(50053, site.grpc()))
    site.wait_reason("whole", "gRPC health: SERVING")
    site.wait_reason("shop", "gRPC health of shop: SERVING")
    site.wait_reason("stock", "gRPC health of stock: NOT_SERVING, wanted SERVING")
    site.wait_reason("none", "gRPC health of none: NOT_FOUND (unknown service)")
    site.wait_reason("tls", "gRPC health: SERVING")
    site.wait_reason("wrong", "certificate is for a.example.com, wanted b.example.com")
    site.wait_reason("dead", "refused")
    plain.say(**{"": 1, "shop": 2, "stock": 1})
    site.wait_reason("shop", "gRPC health of shop: NOT_SERVING, wanted SERVING")
    site.wait_reason("stock", "gRPC health of stock: SERVING")
    assert site.health("stock")["up"] and not site.health("shop")["up"]
