"""Servers that speak TLS: an authority with certificates good and bad, an nginx with several faces, a gRPC service."""

import pathlib
import sys

from .shell import run, wait_until

LAB = pathlib.Path(__file__).resolve().parents[1]

# Port: what is there. 443 has two names; 80 speaks HTTP/2 in plain text.
NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx-tls.pid;
error_log {folder}/nginx-tls.log warn;
events {{ worker_connections 512; }}
http {{
    log_format tls '$server_port $ssl_server_name $server_protocol $http_host "$ssl_client_s_dn"';
    access_log {folder}/access.log tls;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    ssl_certificate {pki}/default.pem; ssl_certificate_key {pki}/default.key;
    server {{ listen 443 ssl http2 default_server; listen [::]:443 ssl http2 default_server; return 421; }}
    server {{
        listen 443 ssl http2; listen [::]:443 ssl http2; server_name a.example.com;
        ssl_certificate {pki}/a.pem; ssl_certificate_key {pki}/a.key;
        location / {{ return 200 "this is a, state: well\\n"; }}
    }}
    server {{
        listen 443 ssl http2; listen [::]:443 ssl http2; server_name b.example.com;
        ssl_certificate {pki}/b.pem; ssl_certificate_key {pki}/b.key;
        location / {{ return 200 "this is b, state: ill\\n"; }}
    }}
    server {{ listen 4431 ssl; ssl_certificate {pki}/a.pem; ssl_certificate_key {pki}/a.key; return 503; }}
    server {{ listen 4432 ssl; ssl_certificate {pki}/a.pem; ssl_certificate_key {pki}/a.key; root {folder}; limit_rate 1k; }}
    server {{ listen 4433 ssl; ssl_certificate {pki}/short.pem; ssl_certificate_key {pki}/short.key; return 204; }}
    server {{
        listen 4434 ssl; ssl_certificate {pki}/a.pem; ssl_certificate_key {pki}/a.key;
        ssl_client_certificate {pki}/ca.pem; ssl_verify_client on;
        location / {{ return 204; }}
    }}
    server {{ listen 80 http2; location / {{ return 200 "well\\n"; }} }}
}}
"""


class Authority:
    """A certificate authority in a folder, and certificates of its making."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        folder.chmod(0o755)
        self._request("ca", "An authority")
        self._openssl("x509", "-req", "-in", "ca.csr", "-signkey", "ca.key", "-days", "30", "-out", "ca.pem",
                      "-extfile", self._extensions("ca", "basicConstraints=critical,CA:TRUE"))

    def certificate(self, name, subject, days=30, names=None):
        """NAME.pem and NAME.key."""
        self._request(name, subject)
        extensions = self._extensions(name, f"subjectAltName={names or f'DNS:{subject}'}")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", str(days), "-out", f"{name}.pem", "-extfile", extensions)

    def path(self, name):
        return self.folder / name

    def _request(self, name, subject):
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={subject}")
        self.path(f"{name}.key").chmod(0o644)  # checkd reads it, who is nobody in particular

    def _extensions(self, name, text):
        self.path(f"{name}.ext").write_text(text + "\n", encoding="utf-8")
        return self.path(f"{name}.ext")

    def _openssl(self, verb, *words):
        options = [self.path(word) if str(word).endswith((".pem", ".key", ".csr")) else word for word in words]
        run("openssl", verb, *options)


class TlsNginx:
    """Debian's nginx with the faces that NGINX above tells."""

    def __init__(self, node, pki):
        self.node, self.access = node, node.folder / "access.log"
        (node.folder / "large").write_bytes(b"x" * 1_000_000)
        self._conf = node.folder / "nginx-tls.conf"
        self._conf.write_text(NGINX.format(folder=node.folder, pki=pki.folder), encoding="utf-8")
        self.process = None

    def start(self):
        self.process = self.node.start("nginx", "-p", self.node.folder, "-c", self._conf,
                                       "-e", self.node.folder / "nginx-tls.log", log="nginx-tls.log")
        wait_until(self._answers, f"nginx on {self.node.name} answers")
        return self

    def _answers(self):
        assert self.process.poll() is None, f"nginx on {self.node.name} ended"
        try:
            self.node.connect("127.0.0.1", 443, 1).close()
        except OSError:
            return False
        return True


class GrpcServer:
    """A server of Debian's python3-grpcio with the health service; `say` changes what that says."""

    def __init__(self, node, port, pair=()):
        self.node, self.states = node, node.folder / f"grpc-{port}"
        self.say(**{"": 1})
        log = f"grpc-{port}.log"
        node.start(sys.executable, "-m", "lab.grpc_health", node.address("front"), port, self.states, *pair, log=log, cwd=LAB)
        wait_until(lambda: "ready" in (node.folder / log).read_text(encoding="utf-8"), "the gRPC server listens", 30)

    def say(self, **states):
        """The status (a number of HealthCheckResponse) of each service; others are not found."""
        new = self.states.with_suffix(".new")
        new.write_text("".join(f"{name}={value}\n" for name, value in states.items()), encoding="utf-8")
        new.rename(self.states)
