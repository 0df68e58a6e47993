"""Stand-ins for where people are told: Slack's Web API, a workflow of Teams, a webhook's receiver and a mail server; and the
messages that come from them, signed as they sign."""

import base64
import hashlib
import hmac
import json
import secrets
import socketserver
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from .upstream_http import Upstream

JSON = {"Content-Type": "application/json"}


class Slack(Upstream):
    """Slack's Web API at `url` + /api. While `is_down` it answers 503."""

    def __init__(self):
        super().__init__(self.method)
        self.token = "xoxb-" + secrets.token_hex(16)
        self.signing_secret = secrets.token_hex(16)
        self.is_down = False
        self.refused = 0
        self.taken = []

    def method(self, request):
        if self.is_down:
            self.refused += 1
            return 503, JSON, b"{}"
        if request["headers"]["Authorization"] != f"Bearer {self.token}":
            return 200, JSON, b'{"ok": false, "error": "invalid_auth"}'
        self.taken.append(request)
        return 200, JSON, json.dumps({"ok": True, "channel": "C0123ABCD", "ts": f"1700000000.{len(self.taken):06}"}).encode()

    def said(self, method="chat.postMessage", about=""):
        """What was taken by one method, oldest first."""
        return [json.loads(it["body"]) for it in self.taken
                if it["path"] == f"/api/{method}" and about in it["body"].decode()]

    def pressed(self, request, button="panguard_approve", user="U01BEA", comment=None, team="T0123ABCD"):
        """The body of what Slack sends when somebody presses a button."""
        payload = {
            "type": "block_actions", "api_app_id": "A1", "trigger_id": secrets.token_hex(8),
            "user": {"id": user, "username": "somebody", "team_id": team}, "team": {"id": team},
            "response_url": "http://127.0.0.1:9/never",
            "state": {"values": {"panguard_comment": {"comment": {"type": "plain_text_input", "value": comment}}}},
            "actions": [{"type": "button", "action_id": button, "block_id": "b", "value": request, "action_ts": "1.2"}],
        }
        return urllib.parse.urlencode({"payload": json.dumps(payload)}).encode()

    def signed(self, body, at=None, secret=None):
        """The fields by which Slack signs."""
        seconds = str(int(time.time() if at is None else at))
        mac = hmac.new((secret or self.signing_secret).encode(), b"v0:" + seconds.encode() + b":" + body, hashlib.sha256)
        return {"Content-Type": "application/x-www-form-urlencoded", "X-Slack-Request-Timestamp": seconds,
                "X-Slack-Signature": "v0=" + mac.hexdigest()}


class Receiver(Upstream):
    """Takes events by Standard Webhooks, and says things by it. While `is_down` it answers 503."""

    def __init__(self, **more):
        super().__init__(lambda _: (503 if self.is_down else 204, {}, b""), **more)
        self.raw = secrets.token_bytes(32)
        self.key = "whsec_" + base64.b64encode(self.raw).decode()
        self.is_down = False

    def mac(self, id, seconds, body, raw=None):
        signed = f"{id}.{seconds}.".encode() + body
        return "v1," + base64.b64encode(hmac.new(raw or self.raw, signed, hashlib.sha256).digest()).decode()

    def events(self):
        """The events that came, each verified as the rule has it."""
        for it in self.requests:
            fields = it["headers"]
            mac = self.mac(fields["webhook-id"], fields["webhook-timestamp"], it["body"])
            assert hmac.compare_digest(mac, fields["webhook-signature"])
            assert abs(time.time() - int(fields["webhook-timestamp"])) < 300
        return [json.loads(it["body"]) for it in self.requests]

    def signed(self, body, at=None, raw=None, id=None):
        id, seconds = id or "msg_" + secrets.token_hex(8), int(time.time() if at is None else at)
        return {**JSON, "webhook-id": id, "webhook-timestamp": str(seconds), "webhook-signature": self.mac(id, seconds, body, raw)}


class Mailbox:
    """A mail server that takes everything; `mails` are (from, to, data), `raw` is all that it was sent. With `tls`, a
    certificate and its key, it speaks TLS from the first byte."""

    def __init__(self, tls=None):
        self.mails = []
        self.raw = b""
        box = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                sender, to = None, []
                self.wfile.write(b"220 box\r\n")
                for line in self.rfile:
                    box.raw += line
                    verb = line.strip().upper()
                    if verb.startswith(b"EHLO"):
                        self.wfile.write(b"250-box\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n")
                    elif verb.startswith(b"MAIL FROM:"):
                        sender = line[10:].split()[0].strip(b"<>").decode()
                        self.wfile.write(b"250 ok\r\n")
                    elif verb.startswith(b"RCPT TO:"):
                        to.append(line[8:].split()[0].strip(b"<>").decode())
                        self.wfile.write(b"250 ok\r\n")
                    elif verb == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        data = b""
                        while (line := self.rfile.readline()) not in (b".\r\n", b""):
                            data += line
                        box.raw += data
                        box.mails.append((sender, to, data))
                        self.wfile.write(b"250 taken\r\n")
                    elif verb.startswith(b"AUTH PLAIN"):
                        self.wfile.write(b"235 welcome\r\n")
                    elif verb == b"QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    else:
                        self.wfile.write(b"250 ok\r\n")

        class Quiet(socketserver.ThreadingTCPServer):
            def handle_error(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", 0), Session)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def call(gateway, channel, body, headers):
    """(status, document) of what a gateway's hook answers."""
    url = f"http://127.0.0.1:{gateway.console}/api/hooks/{channel}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST", headers=headers), timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
