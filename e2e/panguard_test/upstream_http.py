"""HTTP servers of the tests' own: an upstream that keeps what it is sent, and a token endpoint."""

import base64
import http.server
import json
import ssl
import threading
import urllib.parse


class Upstream:
    """An HTTP/1.1 server on loopback. `answer(request)` gives (status, headers, body); `requests` is what came.

    A request is a dict: method, path, headers (a message of the standard library), body, and certificate (of the client).
    """

    def __init__(self, answer=None, tls=None, client_authority=None):
        self.requests = []
        self.answer = answer or (lambda _: (200, {"Content-Type": "application/json"}, b"{}"))
        self.tls = tls
        upstream = self

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                request = {"method": self.command, "path": self.path, "headers": self.headers,
                           "body": self.read_body(), "certificate": self.certificate()}
                upstream.requests.append(request)
                status, headers, body = upstream.answer(request)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                pieces = [body] if isinstance(body, bytes) else body
                if isinstance(body, bytes):
                    self.send_header("Content-Length", str(len(body)))
                else:
                    self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                try:
                    for piece in pieces:
                        chunk = piece if isinstance(body, bytes) else b"%x\r\n%s\r\n" % (len(piece), piece)
                        self.wfile.write(chunk)
                        self.wfile.flush()
                    if not isinstance(body, bytes):
                        self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    self.close_connection = True

            def read_body(self):
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b""
                while size := int(self.rfile.readline() or b"0", 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def certificate(self):
                found = getattr(self.connection, "getpeercert", lambda: None)()
                return found and dict(pair[0] for pair in found["subject"])

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            if client_authority:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(client_authority)
            # The handshake is done by the thread of the connection, and not by the one that accepts.
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class TokenEndpoint(Upstream):
    """A token endpoint (RFC 6749). Tokens are at-1, at-2 and so on, with something behind that no text has by chance.

    `asked` are the forms that it was sent, with the client as `client`. `refuses` is an error that it gives instead, and
    `rotates` says whether it gives a new refresh token each time and takes the last one only.
    """

    def __init__(self, lives_seconds=3600, rotates=False, **more):
        super().__init__(self.grant, **more)
        self.asked = []
        self.lives_seconds = lives_seconds
        self.rotates = rotates
        self.refuses = None
        self.refresh = "refresh-1-ljwer8923"

    @staticmethod
    def token(number):
        return f"at-{number}-qo3847hfskd"

    def grant(self, request):
        form = dict(urllib.parse.parse_qsl(request["body"].decode(), strict_parsing=True))
        authorization = request["headers"].get("Authorization", "")
        if authorization.startswith("Basic "):
            pair = base64.b64decode(authorization[6:]).decode().split(":")
            form["client"] = [urllib.parse.unquote_plus(part) for part in pair]
        self.asked.append(form)
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        wrong = form["grant_type"] == "refresh_token" and form["refresh_token"] != self.refresh
        if self.refuses or wrong:
            error = {"error": self.refuses or "invalid_grant", "error_description": f"not {form}"}
            return 400, headers, json.dumps(error).encode()
        granted = {"access_token": self.token(len(self.asked)), "token_type": "Bearer",
                   "expires_in": self.lives_seconds}
        if self.rotates:
            self.refresh = f"refresh-{len(self.asked) + 1}-ljwer8923"
            granted["refresh_token"] = self.refresh
        return 200, headers, json.dumps(granted).encode()
