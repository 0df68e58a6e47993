"""A server that tells the time by NTP (RFC 5905, 7.3), as wrong as a test wants it."""

import socket
import struct
import threading
import time

SINCE_1900 = 2_208_988_800


def stamp(moment):
    return struct.pack("!Q", int((moment + SINCE_1900) * 2**32))


class TimeServer:
    """Is `offset` seconds ahead, or tells nothing while `offset` is `None`; counts who asks."""

    def __init__(self, offset=0.0):
        self.offset, self.asked = offset, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.name = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        while True:
            try:
                packet, peer = self.socket.recvfrom(1024)
            except OSError:
                return
            # A client's packet of version 4, with when it was sent.
            if len(packet) < 48 or packet[0] & 0b111 != 3 or packet[0] >> 3 & 0b111 != 4:
                continue
            self.asked += 1
            if self.offset is None:
                continue
            now = time.time() + self.offset
            head = struct.pack("!BBbbII4s", 4 << 3 | 4, 1, 6, -20, 0, 0, b"GPS\0")
            self.socket.sendto(head + stamp(now) + packet[40:48] + stamp(now) + stamp(time.time() + self.offset), peer)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.close()
