"""Hostile connections: strangers hold as many connections as they can, and a genuine user is served all the same."""

import collections
import itertools
import pathlib
import resource
import subprocess
import sys
import threading
import time

from calls import Account, Calls, Tokens
from figures import percentile
from wire import Unanswered

OPEN_FILES, ADDRESS_SPACE_MIB = 1024, 1536
# The forms of the strangers' connections, and how often the user sends a request again that was not answered. Strangers on
# one address cannot take a connection from the user. Strangers on 250 addresses can, since the connection that has been
# idle longest makes room; there the user does as channels do.
FORMS = {"pipelined": 0, "dribble": 0, "pipelined-spread": 5, "dribble-spread": 5}


class Siege:
    """The number of hostile connections, their duration, and the bound of the user's 99th percentile in seconds."""

    def __init__(self, connections, seconds, p99):
        self.connections, self.seconds, self.p99 = connections, seconds, p99


class GenuineUser:
    """A user on a loopback address of its own: one thread opens a connection for each request, as a channel that has
    none does, the other keeps its connection."""

    def __init__(self, setting, service, tokens, retries):
        self.setting, self.service, self.tokens, self.retries = setting, service, tokens, retries
        self.names = itertools.count()
        self.seconds, self.problems = [], []
        self.repeated = 0

    def requests(self, calls, account):
        return [("exchange", lambda: calls.exchange(account, "x"), 200), ("GetToken", lambda: calls.get_token(account), 200),
                ("message", lambda: calls.message(account), 200), ("sign-out", lambda: calls.sign_out(account), 200),
                ("health check", calls.healthz, 200), ("card", lambda: calls.sign_in_resource(account), 200)]

    def run(self, source, keep, until):
        calls = Calls(self.setting.stage, self.tokens, self.service, source, keep)
        while time.monotonic() < until:
            account = Account(f"user-{source}-{keep}-{next(self.names)}", "ada")
            for what, send, expected in self.requests(calls, account):
                self.send(f"{what}, {'kept' if keep else 'new'} connection", send, expected)
            time.sleep(0.05)

    def send(self, what, send, expected):
        """Sends a request until it is answered; the time of all attempts counts."""
        begun = time.monotonic()
        for attempt in range(self.retries + 1):
            try:
                status = send().status
                self.seconds.append(time.monotonic() - begun)
                if status != expected:
                    self.problems.append(f"{what}: {status}")
                return
            except Unanswered as error:
                last = error
                if attempt < self.retries:
                    self.repeated += 1
                    time.sleep(0.05 * 2**attempt)
        self.problems.append(f"{what}: {last}")

    def use(self, seconds):
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=self.run, args=(source, keep, until))
                   for source, keep in [("127.0.0.2", False), ("127.0.0.4", True)]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def flood(service, form, number):
    host, port = service.base.removeprefix("http://").split(":")
    program = pathlib.Path(__file__).with_name("flood.py")
    return subprocess.Popen([sys.executable, program, form, str(number), host, port], text=True, stdout=subprocess.PIPE)


def flood(service, form, number):
    host, port = service.base.removeprefix("http://").split(":")
    program = pathlib.Path(__file__).with_name("flood.py")
    return subprocess.Popen([sys.executable, program, form, str(number), host, port], text=True, stdout=subprocess.PIPE)


def endure(setting, siege, form, tokens):
    """Lets the strangers and the user come to a new service. Returns what was wrong."""
    limits = ["prlimit", f"--as={ADDRESS_SPACE_MIB << 20}", f"--nofile={OPEN_FILES}:{OPEN_FILES}"]
    offset = setting.log.stat().st_size
    service = setting.serve(limits)
    user = GenuineUser(setting, service, tokens, FORMS[form])
    before = service.resident()
    clients = flood(service, form, siege.connections)
    try:
        # The user comes when the strangers have opened their connections.
        time.sleep(2)
        user.use(siege.seconds)
        open_files = service.open_files()
    finally:
        clients.terminate()
        said = clients.communicate()[0].strip()
    service.assert_runs()
    assert clients.returncode == 0, f"the hostile clients ended with {clients.returncode}"
    p99 = percentile(user.seconds, 0.99)
    print(f"{form}, {siege.connections} connections for {siege.seconds + 2} s: {len(user.seconds)} answers to the user, p50 "
          f"{percentile(user.seconds, 0.5) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {max(user.seconds) * 1000:.0f} ms; "
          f"{len(user.problems)} not answered or wrong, {user.repeated} sent again\n  {said}; memory {before:.0f} MiB before, at "
          f"most {service.resident('VmHWM'):.0f} MiB (addresses {service.resident('VmPeak'):.0f} MiB); {open_files} open files")
    problems = [f"{number} x {text}" for text, number in collections.Counter(user.problems).most_common(5)]
    if p99 > siege.p99:
        problems.append(f"p99 {p99:.2f} s")
    if any("Too many open files" in line for line in service.lines(offset)):
        problems.append("the process had no open files left")
    service.stop()
    return [f"{form}: {problem}" for problem in problems]


def run(setting, siege, forms):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    enough = hard == resource.RLIM_INFINITY or hard > siege.connections + 100
    assert enough, f"{siege.connections} connections need more open files than {hard}"
    tokens = Tokens(setting.stage)
    problems = [problem for form in forms for problem in endure(setting, siege, form, tokens)]
    assert not problems, "\n".join(problems)
