"""The Redis servers of a drill, real processes of Debian's packages, and a proxy that can be cut."""

import pathlib
import random
import select
import signal
import socket
import subprocess
import threading
import time

START_LIMIT = 20


class Redis:
    """A server that appends every write to a file before it answers, so that what was answered survives `kill -9`."""

    def __init__(self, directory, name, more=()):
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir(parents=True)
        self.more = list(more)
        self.port = None
        self.start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def start(self):
        """Starts the server, on the port that it had before if there is one."""
        while True:
            port = self.port or random.randint(20000, 32000)
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", self.directory, "--save", "",
                 "--appendonly", "yes", "--appendfsync", "always", *self.more],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self.listens(port):
                self.port = port
                return
            assert self.port is None, "the server does not start again"

    def listens(self, port):
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.ask("PING", port=port) == "PONG":
                return True
            time.sleep(0.02)
        return False

    def ask(self, *command, port=None):
        """The answer of the server as redis-cli prints it."""
        done = subprocess.run(["redis-cli", "-p", str(port or self.port), *command], capture_output=True, text=True)
        return done.stdout.strip()

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(30)


class Sentinels:
    """A master with one replica, and three sentinels that watch them."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.master = Redis(directory, "master")
        self.replica = Redis(directory, "replica", ["--replicaof", "127.0.0.1", str(self.master.port)])
        deadline = time.monotonic() + START_LIMIT
        while "master_link_status:up" not in self.replica.ask("INFO", "replication"):
            assert time.monotonic() < deadline, "the replica does not follow its master"
            time.sleep(0.05)
        self.sentinels = [self.start(number) for number in range(3)]
        deadline = time.monotonic() + START_LIMIT
        while not all("num-other-sentinels\n2" in self.ask(port) and "num-slaves\n1" in self.ask(port)
                      for _, port in self.sentinels):
            assert time.monotonic() < deadline, "the sentinels do not see each other"
            time.sleep(0.1)

    def start(self, number):
        directory = self.directory / f"sentinel-{number}"
        directory.mkdir()
        while True:
            port = random.randint(20000, 32000)
            file = directory / "sentinel.conf"
            file.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {directory}\nsentinel monitor drill 127.0.0.1 {self.master.port} 2\n"
                "sentinel down-after-milliseconds drill 1000\nsentinel failover-timeout drill 5000\n")
            process = subprocess.Popen(["redis-server", file, "--sentinel"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + START_LIMIT
            while time.monotonic() < deadline and process.poll() is None:
                if self.ask(port):
                    return process, port
                time.sleep(0.05)

    def ask(self, port):
        return self.master.ask("SENTINEL", "MASTER", "drill", port=port)

    @property
    def url(self):
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{port}" for _, port in self.sentinels) + "/drill"

    def new_master(self):
        """Waits until the sentinels agree that the replica is the master."""
        deadline = time.monotonic() + 60
        while not all(self.is_replaced(port) for _, port in self.sentinels):
            assert time.monotonic() < deadline, "there was no failover"
            time.sleep(0.1)

    def is_replaced(self, port):
        address = self.master.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "drill", port=port)
        return address.split() == ["127.0.0.1", str(self.replica.port)]

    def stop(self):
        for process, _ in self.sentinels:
            process.kill()
            process.wait()
        self.master.stop(signal.SIGKILL)
        self.replica.stop(signal.SIGKILL)


class Proxy:
    """Passes connections on to a server until it is cut. Then it holds every byte back, as a broken network does, and delivers
    them when it is mended, as TCP does."""

    def __init__(self, port):
        self.target = port
        self.is_cut = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            accepted, _ = self.listener.accept()
            threading.Thread(target=self.pass_on, args=(accepted,), daemon=True).start()

    def pass_on(self, accepted):
        """A connection that is opened while the proxy is cut is accepted and hears nothing."""
        while self.is_cut.is_set():
            time.sleep(0.05)
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            accepted.close()
            return
        ends = {accepted: server, server: accepted}
        while True:
            if self.is_cut.is_set():
                time.sleep(0.05)
                continue
            for readable in select.select(list(ends), [], [], 0.2)[0]:
                try:
                    part = readable.recv(65536)
                    if not part:
                        raise ConnectionResetError
                    while self.is_cut.is_set():
                        time.sleep(0.05)
                    ends[readable].sendall(part)
                except OSError:
                    accepted.close()
                    server.close()
                    return

    def cut(self):
        self.is_cut.set()

    def mend(self):
        self.is_cut.clear()
