"""A mail server: aiosmtpd with moods. `python3 -m lab.mail ADDRESS PORT FOLDER MOOD [CERTIFICATE KEY]`

Each mail it takes is a file in FOLDER: the envelope as JSON in the first line, then the mail as it came. Moods:
  fine     takes everything
  tls      the same, and offers STARTTLS
  broken   offers STARTTLS, and drops the connection in the handshake
  grey     refuses the first two mails for now (450)
  never    refuses everybody for good (550)
  drop     closes the connection in the middle of DATA, once
  silent   takes the connection and says nothing
  drip     says a byte of a greeting without an end every 50 ms"""

import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP


class Handler:
    def __init__(self, folder, mood):
        self.folder, self.mood, self.asked, self.taken = folder, mood, 0, 0

    async def handle_RCPT(self, _server, _session, envelope, address, options):
        self.asked += 1
        if self.mood == "never":
            return "550 nobody here"
        if self.mood == "grey" and self.asked <= 2:
            return "450 come back later"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 yes"

    async def handle_DATA(self, server, session, envelope):
        if self.mood == "drop":
            self.mood = "fine"
            server.transport.abort()
            return "451 dropped"
        head = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
                "helo": session.host_name}
        self.taken += 1
        new = self.folder / f"new{self.taken}"
        new.write_bytes(json.dumps(head).encode() + b"\n" + envelope.content)
        new.rename(self.folder / f"{self.taken:03}.mail")
        return "250 queued"


class Drip(asyncio.Protocol):
    def connection_made(self, transport):
        async def drip():
            while not transport.is_closing():
                transport.write(b"2")
                await asyncio.sleep(0.05)
        self.task = asyncio.get_running_loop().create_task(drip())


async def serve(address, port, folder, mood, *pair):
    loop = asyncio.get_running_loop()
    handler = Handler(pathlib.Path(folder), mood)
    context = None
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
    if mood in ("silent", "drip"):
        server = await loop.create_server(Drip if mood == "drip" else asyncio.Protocol, address, int(port))
    else:
        def session():
            made = SMTP(handler, tls_context=context, hostname="mail.example.com", loop=loop)
            if mood == "broken":
                async def refuse(_argument):
                    await made.push("220 go on")
                    made.transport.abort()
                made.smtp_STARTTLS = refuse
                made._method_handlers = {**getattr(made, "_smtp_methods", {}), "STARTTLS": refuse}
                if hasattr(made, "_smtp_methods"):
                    made._smtp_methods["STARTTLS"] = refuse
            return made
        server = await loop.create_server(session, address, int(port))
    pathlib.Path(folder, "ready").touch()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
