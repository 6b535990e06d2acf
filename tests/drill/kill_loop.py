"""The kill loop: bot-sso is killed under load and started again. Nothing that was answered 200 may be lost, no sign-out
that was answered 2xx undone, and the bot told of no sign-in twice."""

import concurrent.futures
import functools
import itertools
import random
import threading
import time

from calls import Account, Calls, Tokens
from ledger import SIGN_IN, SIGN_OUT, Ledger
from wire import Unanswered

# The answers after which the process is killed, and the seconds after which it is killed in any case.
ANSWERS, LONGEST_LOAD = (3, 60), 2
SECONDS_A_CYCLE = 5
OLD_ACCOUNTS_A_CYCLE = 15
CODES_A_CYCLE = 2
# Requests that were sent before, of which the bot must not be told again.
REPEATED = ["duplicate", "code again"]
THREADS = 6


class KillLoop:
    def __init__(self, setting):
        self.setting, self.ledger, self.tokens = setting, Ledger(), Tokens(setting.stage)
        self.names = itertools.count()
        self.random = random.Random(1)
        self.accounts = []
        # Codes that a page has shown, of which some wait for a later process, and codes that were sent and are sent again
        # after a restart.
        self.ready, self.shown, self.sent = [], [], []
        # Exchanges whose answer may be lost.
        self.exchanges = []
        self.problems = []
        self.checked = 0

    def new_account(self, person, channel="msteams"):
        account = Account(f"kill-{next(self.names)}", person, channel)
        self.accounts.append(account)
        return account

    def perform(self, what, kind, concerned, send):
        """Sends a request and records it. Returns its status; raises `Unanswered`."""
        operation = self.ledger.begin(kind, concerned, what in REPEATED)
        try:
            status = send().status
        except Unanswered:
            self.ledger.count(what, None)
            raise
        self.ledger.finish(operation, 200 <= status < 300)
        self.ledger.count(what, status)
        return status

    def exchange(self, calls, account, exchange):
        return self.perform("exchange", SIGN_IN, account, lambda: calls.exchange(account, exchange))

    def duplicate(self, calls, account, exchange):
        """Sends an exchange once more, which the bot must not be told of again."""
        return self.perform("duplicate", SIGN_IN, account, lambda: calls.exchange(account, exchange))

    def exchange_for_ever(self, calls, ended):
        """Exchanges, each sent twice at once now and then."""
        while not ended.is_set():
            account = self.new_account("ada")
            self.exchanges.append((account, f"exchange-{account.id}"))
            second = None
            if self.random.random() < 0.3:
                other = Calls(self.setting.stage, self.tokens, self.service)
                second = threading.Thread(target=self.repeat, args=(other, account))
                second.start()
            try:
                self.exchange(calls, account, f"exchange-{account.id}")
            finally:
                if second is not None:
                    second.join()

    def repeat(self, calls, account):
        try:
            self.duplicate(calls, account, f"exchange-{account.id}")
        except Unanswered:
            pass

    def sign_out_for_ever(self, calls, ended):
        """Sign-ins and sign-outs of one account; some accounts sign in again."""
        while not ended.is_set():
            account = self.new_account("ada")
            self.exchange(calls, account, "first")
            self.perform("sign-out", SIGN_OUT, account, lambda: calls.sign_out(account))
            if self.random.random() < 0.5:
                self.exchange(calls, account, "second")

    def sign_out_everywhere_for_ever(self, calls, ended):
        """Sign-outs everywhere, while the same person signs in on another thread."""
        while not ended.is_set():
            account = self.new_account("ben")
            other = threading.Thread(target=self.repeat, args=(Calls(self.setting.stage, self.tokens, self.service), account))
            other.start()
            try:
                self.exchange(calls, account, f"exchange-{account.id}")
                send = functools.partial(calls.sign_out_everywhere, account)
                self.perform("sign-out everywhere", SIGN_OUT, account.person, send)
            finally:
                other.join()

    def enter_codes_for_ever(self, calls, ended):
        """Sign-ins in a browser. Every second code is entered at once, the others wait for a later process."""
        while not ended.is_set():
            if self.ready:
                self.enter(calls, *self.ready.pop())
            elif shown := self.show_code(calls):
                (self.shown if self.random.random() < 0.5 else self.ready).append(shown)

    def show_code(self, calls):
        """Signs a new account in in a browser, up to the page with the code."""
        account = self.new_account("gus", "webchat")
        code = calls.sign_in(account)
        self.ledger.count("code shown", 200 if code else 500)
        return (account, code) if code else None

    def enter(self, calls, account, code):
        self.sent.append((account, code))
        self.perform("code", SIGN_IN, account, lambda: calls.enter_code(account, code))

    def torment(self):
        """Load from six threads, until the kill."""
        ended = threading.Event()
        kinds = [self.exchange_for_ever, self.exchange_for_ever, self.sign_out_for_ever, self.sign_out_everywhere_for_ever,
                 self.enter_codes_for_ever, self.enter_codes_for_ever]

        def run(kind):
            try:
                kind(Calls(self.setting.stage, self.tokens, self.service), ended)
            except Unanswered:
                pass

        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            running = [pool.submit(run, kind) for kind in kinds]
            self.wait_for_answers(self.random.randint(*ANSWERS))
            self.service.kill()
            ended.set()
        for thread in running:
            thread.result()
        self.ledger.record_kill()

    def wait_for_answers(self, number):
        enough, deadline = sum(self.ledger.answers.values()) + number, time.monotonic() + LONGEST_LOAD
        while sum(list(self.ledger.answers.values())) < enough and time.monotonic() < deadline:
            time.sleep(0.001)

    def check(self, accounts):
        """Compares what the process says of accounts with what must hold."""
        def check_part(part):
            calls = Calls(self.setting.stage, self.tokens, self.service)
            for account in part:
                expected = self.ledger.expects(account)
                status = calls.get_token(account).status
                right = {True: [200], False: [404], None: [200, 404]}[expected]
                if status not in right:
                    self.problems.append(f"{account.id}: GetToken is {status} and has to be {right}")
                self.checked += expected is not None

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(check_part, (accounts[start::4] for start in range(4))))

    def repeat_requests(self):
        """Sends the requests again whose answer was perhaps lost, and enters codes that an earlier process has shown."""
        calls = Calls(self.setting.stage, self.tokens, self.service)
        for account, exchange in self.exchanges[-6:]:
            status = self.duplicate(calls, account, exchange)
            if status != 200:
                self.problems.append(f"{account.id}: the repeated exchange is {status}")
        for account, code in self.sent[-4:]:
            is_redeemed = self.ledger.expects(account) is True
            status = self.perform("code again", SIGN_IN, account, lambda: calls.enter_code(account, code))
            # A kill between the end of the code and the keeping of its token loses both; that code was not answered.
            if status != 200 and (is_redeemed or status != 404):
                self.problems.append(f"{account.id}: the repeated code is {status}")
        while self.shown:
            account, code = self.shown.pop()
            self.enter(calls, account, code)
            if self.ledger.expects(account) is not True:
                self.problems.append(f"{account.id}: the code from before the kill is refused")
        self.exchanges.clear()
        self.sent.clear()
        self.ready = [shown for shown in (self.show_code(calls) for _ in range(CODES_A_CYCLE)) if shown]

    def check_events(self):
        for account in self.accounts:
            told, most = self.setting.bot.events[account.id], self.ledger.most_events(account)
            if told > most:
                self.problems.append(f"{account.id} of {account.person}: the bot was told {told} times instead of {most}")

    def run(self, cycles):
        begun, touched = time.monotonic(), 0
        for cycle in range(cycles):
            self.service = self.setting.serve()
            old = self.random.sample(self.accounts[:touched], min(touched, OLD_ACCOUNTS_A_CYCLE))
            self.check(self.accounts[touched:] + old)
            self.repeat_requests()
            touched = len(self.accounts)
            self.torment()
            if (cycle + 1) % 100 == 0:
                print(f"{cycle + 1} cycles, {len(self.accounts)} accounts, {time.monotonic() - begun:.0f} s", flush=True)
            assert not self.problems, "\n".join(self.problems[:10])
            assert time.monotonic() - begun < 60 + SECONDS_A_CYCLE * cycles, f"only {cycle} cycles"
        self.service = self.setting.serve()
        self.check(self.accounts)
        self.repeat_requests()
        self.service.stop()
        self.check_events()
        self.print(cycles, time.monotonic() - begun)
        assert not self.problems, "\n".join(self.problems[:10])

    def print(self, cycles, seconds):
        print(f"{cycles} cycles of kill -9 in {seconds:.0f} s, {len(self.accounts)} accounts, {self.checked} answers of "
              f"GetToken compared, {sum(self.setting.bot.events.values())} events at the bot")
        for what in ["exchange", "duplicate", "sign-out", "sign-out everywhere", "code shown", "code", "code again"]:
            statuses = ", ".join(f"{number} x {status}" for (name, status), number in sorted(self.ledger.answers.items())
                                 if name == what)
            print(f"  {what}: {statuses or 'none'}; {self.ledger.unanswered[what]} without an answer")
        print(f"  problems: {len(self.problems)}")
