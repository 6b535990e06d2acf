"""A mail server (aiosmtpd). It prints what it is told, one JSON object a line, and no link of a message.

ENCRYPTION   starttls, tls, or none: then the server offers no STARTTLS
CERTIFICATE  the PEM files of its certificate
KEY          and of its key
USERNAME     the user who has to authenticate; without it, nobody has to
PASSWORD     and the password
REFUSED      the recipient who has no mailbox here
GREYLISTED   the recipient who is refused for now at the first attempt
"""

import asyncio
import email
import email.policy
import json
import os
import re
import ssl

from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import AuthResult, LoginPassword

LINK = re.compile(r"https?://\S+")


def tell(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


def tls_context():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(os.environ["CERTIFICATE"], os.environ["KEY"])
    return context


def authenticate(server, session, envelope, mechanism, data):
    expected = LoginPassword(os.environ["USERNAME"].encode(), os.environ["PASSWORD"].encode())
    is_right = data == expected
    tell("authentication", mechanism=mechanism, accepted=is_right, encrypted=session.ssl is not None)
    return AuthResult(success=is_right, handled=is_right)


class Handler:
    def __init__(self):
        self.greylisted = 0

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        tell("greeting", name=hostname, encrypted=session.ssl is not None)
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == os.environ.get("REFUSED"):
            tell("refused")
            return "550 5.1.1 no such mailbox"
        if address == os.environ.get("GREYLISTED"):
            self.greylisted += 1
            if self.greylisted == 1:
                tell("greylisted")
                return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = message.get_content()
        tell(
            "message",
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            headers=message.keys(),
            to=message["To"],
            subject=message["Subject"],
            content_type=message["Content-Type"],
            text=LINK.sub("<link>", text.replace("\r\n", "\n")),
            links=len(LINK.findall(text)),
            ascii=envelope.content.isascii(),
            encrypted=session.ssl is not None or os.environ["ENCRYPTION"] == "tls",
            authenticated=bool(session.authenticated),
        )
        return "250 taken"


def main():
    encryption = os.environ["ENCRYPTION"]
    options = {}
    if encryption == "starttls":
        options |= {"tls_context": tls_context(), "require_starttls": True}
    if "USERNAME" in os.environ:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": encryption == "starttls"}
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    controller = UnthreadedController(
        Handler(),
        hostname="127.0.0.1",
        port=0,
        loop=loop,
        ssl_context=tls_context() if encryption == "tls" else None,
        **options,
    )
    controller.begin()
    tell("listening", port=controller.server.sockets[0].getsockname()[1])
    loop.run_forever()


main()
