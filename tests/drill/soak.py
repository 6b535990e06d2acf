"""The soak: a steady mix of all kinds of requests, after which the service must not need more memory than early on."""

import itertools
import random
import socket
import threading
import time

from calls import Account, Calls, Tokens
from figures import percentile
from wire import Unanswered

GROWTH = 1.2
THREADS = 3
# Rounds a second of each thread. A fixed pace fills the caches to the same extent on every machine.
PACE = 2
ACCOUNTS = 100
TOKEN_SECONDS = 30 * 60


class Soak:
    def __init__(self, setting):
        self.setting, self.tokens = setting, Tokens(setting.stage)
        self.service = setting.serve()
        self.names = itertools.count()
        self.problems, self.seconds, self.memory = [], [], []

    def expect(self, what, answer, *right):
        self.seconds.append(answer.seconds)
        if answer.status not in right:
            self.problems.append(f"{what}: {answer.status}")

    def round(self, calls, chance):
        account = Account(f"soak-{chance.randrange(ACCOUNTS)}-{threading.get_ident()}", "ada")
        exchange = f"exchange-{next(self.names)}"
        self.expect("exchange", calls.exchange(account, exchange), 200)
        self.expect("duplicate", calls.exchange(account, exchange), 200)
        self.expect("GetToken", calls.get_token(account), 200)
        self.expect("message", calls.message(account), 200)
        if chance.random() < 0.2:
            self.expect("sign-out", calls.sign_out(account), 200, 204)
        if chance.random() < 0.1:
            self.sign_in(calls, Account(f"soak-{chance.randrange(ACCOUNTS)}", "gus", "webchat"))
        self.misbehave(calls, account)

    def sign_in(self, calls, account):
        code = calls.sign_in(account)
        # Two threads may sign the same account in at once; then the later code alone is right.
        self.expect("code", calls.enter_code(account, code or "none"), 200, 404)

    def misbehave(self, calls, account):
        """Requests that are refused, and a connection that is left open."""
        activity = calls.activity(account, "message", text="x" * 20_000)
        refused = calls.public.post_json("/bots/demo/api/messages", activity, f"{next(self.names)}.not.atoken")
        self.expect("a made-up token", refused, 401, 403)
        self.expect("a made-up path", calls.public.request("GET", f"/made-up/{next(self.names)}"), 404)
        self.expect("a made-up state", calls.public.request("GET", f"/api/oauth/signin?signin={next(self.names)}"), 400, 404, 410)
        host, port = self.service.base.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as left:
            left.sendall(b"GET /openapi.json HTTP/1.1\r\n")

    def work(self, number, until):
        calls, chance, due = Calls(self.setting.stage, self.tokens, self.service), random.Random(number), time.monotonic()
        while time.monotonic() < until:
            try:
                self.round(calls, chance)
            except Unanswered as error:
                self.problems.append(str(error))
            due += 1 / PACE
            time.sleep(max(0, due - time.monotonic()))

    def run(self, minutes):
        begun = time.monotonic()
        until = begun + minutes * 60
        threads = [threading.Thread(target=self.work, args=(number, until)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        early, renewed = None, begun
        while (now := time.monotonic()) < until:
            self.service.assert_runs()
            if early is None and now >= begun + minutes * 6:
                early = self.service.resident()
            if now >= renewed + TOKEN_SECONDS:
                renewed = now
                self.tokens.forget()
            time.sleep(min(1, max(0, until - now)))
        for thread in threads:
            thread.join()
        late = self.service.resident()
        print(f"soak of {minutes:g} min: {len(self.seconds)} answers, p99 {percentile(self.seconds, 0.99) * 1000:.0f} ms; memory "
              f"{early:.1f} MiB after a tenth of the time, {late:.1f} MiB at the end ({late / early:.2f} times), highest "
              f"{self.service.resident('VmHWM'):.1f} MiB; {self.service.open_files()} open files; {len(self.problems)} wrong answers")
        assert not self.problems, "\n".join(self.problems[:10])
        assert late <= GROWTH * early, f"the memory grew to {late / early:.2f} times"
        self.service.stop()
