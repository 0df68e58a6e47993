"""A man in the middle between panguard and its upstream, for upstreams that misbehave."""

import socket
import threading

CLOSE = object()


class Meddler:
    """Forwards TCP from a port of its own to `port`. While `meddle` is set, it is called with each piece that
    the upstream sends and returns what is to be sent in its place; `CLOSE` in a list ends the connection.

    With `server_tls` and `client_tls` (ssl contexts) it speaks TLS on both sides, as one who reads along.
    """

    def __init__(self, port, server_tls=None, client_tls=None):
        self.upstream = port
        self.server_tls = server_tls
        self.client_tls = client_tls
        self.meddle = None
        self.is_open = True
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                agent, _ = self.listener.accept()
            except OSError:
                return
            if not self.is_open:
                agent.close()
                continue
            threading.Thread(target=self._serve, args=(agent,), daemon=True).start()

    def _serve(self, agent):
        try:
            server = socket.create_connection(("127.0.0.1", self.upstream), 10)
            server.settimeout(None)
            if self.server_tls:
                agent, server = self._read_along(agent, server)
        except OSError:
            agent.close()
            return
        self.sockets += [agent, server]
        threading.Thread(target=self._pump, args=(agent, server, False), daemon=True).start()
        self._pump(server, agent, True)

    def _read_along(self, agent, server):
        agent.recv(8)
        agent.sendall(b"S")
        server.sendall(bytes.fromhex("0000000804d2162f"))
        server.recv(1)
        return self.server_tls.wrap_socket(agent, server_side=True), self.client_tls.wrap_socket(server)

    def _pump(self, source, sink, from_upstream):
        try:
            while data := source.recv(1 << 16):
                meddle = self.meddle if from_upstream else None
                for part in meddle(data) if meddle else [data]:
                    if part is CLOSE:
                        return
                    sink.sendall(part)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def cut_all(self):
        """Ends all connections there are."""
        for end in self.sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
        self.cut_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
