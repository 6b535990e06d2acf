"""Hostile clients without credentials: python3 flood.py FORM CONNECTIONS HOST PORT, ended by SIGTERM.

`pipelined` sends many requests at once on each connection and never reads; `dribble` sends a chunked body, some bytes a
second, and takes no notice of the answer. The forms with the ending `-spread` send from 250 addresses instead of one. A
connection that ends is replaced two seconds later. Prints how many connections were opened and ended.
"""

import collections
import errno
import resource
import select
import signal
import socket
import sys
import time

PIPELINED = b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n" * 200
DRIBBLED = [f"{head} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n".encode() for head in (
    "POST /bots/demo/api/messages", "GET /openapi.json", "POST /nowhere", "POST /api/usertoken/exchange",
    "POST /api/oauth/PostSignInCallback", "GET /api/oauth/signin")]
CHUNK = b"1\r\na\r\n"
DRIBBLE_SECONDS = 1
PAUSE_SECONDS = 2
# Bytes that the kernel takes for a client that does not read.
RECEIVE_BUFFER = 4096


class Flood:
    def __init__(self, form, number, target):
        self.is_pipelined = form.startswith("pipelined")
        self.is_spread = form.endswith("-spread")
        self.target = target
        self.poll = select.epoll()
        self.sockets = {}
        self.opened = self.ended = 0
        # When each connection is opened for the first time or again. They all begin within two seconds.
        self.due = collections.deque((time.monotonic() + 2 * index / number, index) for index in range(number))
        self.next_dribble = 0

    def open(self, index):
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        address = f"127.0.3.{index % 250 + 1}" if self.is_spread else "127.0.0.1"
        connection.bind((address, 0))
        error = connection.connect_ex(self.target)
        assert error in (0, errno.EINPROGRESS), errno.errorcode[error]
        self.sockets[connection.fileno()] = (connection, index)
        self.poll.register(connection, select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR)
        self.opened += 1

    def close(self, number):
        connection, index = self.sockets.pop(number)
        self.poll.unregister(number)
        connection.close()
        self.ended += 1
        self.due.append((time.monotonic() + PAUSE_SECONDS, index))

    def send(self, number, data):
        try:
            self.sockets[number][0].send(data)
        except BlockingIOError:
            pass
        except OSError:
            self.close(number)

    def run(self):
        while True:
            now = time.monotonic()
            while self.due and self.due[0][0] <= now:
                self.open(self.due.popleft()[1])
            for number, events in self.poll.poll(0.02):
                if events & (select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP):
                    self.close(number)
                else:
                    # The connection is open now.
                    self.poll.modify(number, select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR)
                    self.send(number, PIPELINED if self.is_pipelined else DRIBBLED[self.sockets[number][1] % len(DRIBBLED)])
            if not self.is_pipelined and now >= self.next_dribble:
                self.next_dribble = now + DRIBBLE_SECONDS
                for number in list(self.sockets):
                    self.send(number, CHUNK)


def main():
    form, number, host, port = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    flood = Flood(form, int(number), (host, int(port)))

    def stop(*_):
        print(f"{flood.opened} connections opened, {flood.ended} of them ended by the service", flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    flood.run()


main()
