"""Several replicas over one Redis, on bad days: nothing that was answered 200 is gone, and the bot is told of no sign-in
twice."""

import concurrent.futures
import itertools
import random
import signal
import threading
import time

from calls import Account, Calls, Tokens
from ledger import SIGN_IN, SIGN_OUT, Ledger
from redis_servers import Proxy, Redis, Sentinels
from wire import Unanswered

REPLICAS = 3
THREADS = 6
# How long the store may take to be found again after it was away.
RECOVERY_LIMIT = 60
# How long a replica that is cut off may hand out a token after the sign-out, and what requests and the check itself take.
TRUST_SECONDS, GRACE_SECONDS, SLACK_SECONDS = 1, 5, 3
SKEW_SECONDS = 120


class Load:
    """Requests to all replicas, recorded in a ledger. A request that is not answered is sent again to another replica."""

    def __init__(self, setting, environments=None):
        self.setting, self.ledger, self.tokens = setting, Ledger(), Tokens(setting.stage)
        self.names, self.random = itertools.count(), random.Random(1)
        self.accounts, self.problems, self.lock = [], [], threading.Lock()
        self.services = [setting.serve(environment=environment) for environment in environments or [None] * REPLICAS]
        self.ended = threading.Event()

    def new_account(self, person="ada"):
        with self.lock:
            account = Account(f"replicas-{next(self.names)}", person)
            self.accounts.append(account)
        return account

    def calls(self, service=None):
        return Calls(self.setting.stage, self.tokens, service or self.random.choice(self.services), keep=False)

    def perform(self, what, kind, concerned, send, is_repeated=False):
        """Sends a request to some replica. Returns its status; `None` if it was not answered."""
        operation = self.ledger.begin(kind, concerned, is_repeated)
        try:
            status = send(self.calls()).status
        except (Unanswered, OSError):
            self.ledger.count(what, None)
            # It may still have taken effect, at any time until now.
            self.ledger.finish(operation, False)
            return None
        self.ledger.finish(operation, 200 <= status < 300)
        self.ledger.count(what, status)
        return status

    def exchange(self, account, name, is_repeated=False):
        what = "duplicate" if is_repeated else "exchange"
        return self.perform(what, SIGN_IN, account, lambda calls: calls.exchange(account, name), is_repeated)

    def sign_in_everywhere(self, account, name):
        """The same exchange at the same time at several replicas, as a user's clients send it."""
        others = [threading.Thread(target=self.exchange, args=(account, name, True)) for _ in range(2)]
        for other in others:
            other.start()
        self.exchange(account, name)
        for other in others:
            other.join()

    def run_until_ended(self, seed):
        chance = random.Random(seed)
        while not self.ended.is_set():
            account = self.new_account()
            if chance.random() < 0.3:
                self.sign_in_everywhere(account, "first")
            elif self.exchange(account, "first") is None:
                self.exchange(account, "first", is_repeated=True)
            if chance.random() < 0.3:
                self.perform("sign-out", SIGN_OUT, account, lambda calls: calls.sign_out(account))

    def under_load(self, misfortune):
        """Runs `misfortune` while the load runs."""
        self.ended.clear()
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            running = [pool.submit(self.run_until_ended, seed) for seed in range(THREADS)]
            try:
                self.wait_for_answers(30)
                misfortune()
                self.wait_for_recovery()
                self.wait_for_answers(30)
            finally:
                self.ended.set()
        for thread in running:
            thread.result()

    def wait_for_answers(self, number):
        def successes():
            return sum(count for (_, status), count in list(self.ledger.answers.items()) if status == 200)

        enough, deadline = successes() + number, time.monotonic() + RECOVERY_LIMIT
        while successes() < enough:
            assert time.monotonic() < deadline, "too few requests succeed"
            time.sleep(0.01)

    def wait_for_recovery(self):
        """Each replica signs a user in again, without a restart."""
        for service in self.services:
            account, number, deadline = self.new_account(), itertools.count(), time.monotonic() + RECOVERY_LIMIT
            while True:
                operation = self.ledger.begin(SIGN_IN, account)
                try:
                    status = self.calls(service).exchange(account, f"recovery-{next(number)}").status
                except Unanswered:
                    status = None
                self.ledger.finish(operation, status == 200)
                if status == 200:
                    break
                assert time.monotonic() < deadline, f"{service.base} does not recover: {status}"
                time.sleep(0.1)

    def count_lost(self):
        """Asks every replica for every account's token. Returns how many tokens are gone that were answered 200."""
        lost, jobs = 0, list(self.accounts)

        def check(account):
            gone, expected = 0, self.ledger.expects(account)
            for service in self.services:
                status = self.calls(service).get_token(account).status
                if expected is True and status == 404:
                    gone = 1
                elif status not in {True: [200], False: [404], None: [200, 404]}[expected]:
                    self.problems.append(f"{account.id}: GetToken is {status} and has to fit {expected}")
            return gone

        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            lost = sum(pool.map(check, jobs))
        for account in jobs:
            told, most = self.setting.bot.events[account.id], self.ledger.most_events(account)
            if told > most:
                self.problems.append(f"{account.id}: the bot was told {told} times instead of {most}")
        return lost

    def conclude(self, what, may_lose=False):
        lost = self.count_lost()
        answers = ", ".join(f"{number} x {name} {status}" for (name, status), number in
                            sorted(self.ledger.answers.items(), key=str))
        unanswered = sum(self.ledger.unanswered.values())
        twice = sum("the bot was told" in problem for problem in self.problems)
        print(f"{what}: {len(self.accounts)} accounts; {answers}; {unanswered} without an answer; answered 200 and gone: "
              f"{lost}; continuations that ran twice: {twice}", flush=True)
        assert not self.problems, "\n".join(self.problems[:10])
        assert may_lose or lost == 0, f"{what}: {lost} tokens are gone"


def store(url, more=""):
    return f'url = "{url}"\n{more}'


def kill_replicas(drills, cycles):
    redis = Redis(drills.directory, "redis-kill")
    try:
        with drills.setting("replicas-kill", store=store(redis.url)) as setting:
            load = Load(setting)

            def kill():
                for _ in range(cycles):
                    number = load.random.randrange(REPLICAS)
                    load.services[number].kill()
                    load.services[number] = setting.serve()
                    load.wait_for_answers(10)

            load.under_load(kill)
            load.conclude(f"{cycles} times kill -9 of one of {REPLICAS} replicas")
    finally:
        redis.stop()


def restart_redis(drills):
    redis = Redis(drills.directory, "redis-restart")
    try:
        with drills.setting("replicas-restart", store=store(redis.url)) as setting:
            load = Load(setting)

            def restart():
                for number in (signal.SIGTERM, signal.SIGKILL):
                    redis.stop(number)
                    time.sleep(1)
                    redis.start()
                    load.wait_for_recovery()

            load.under_load(restart)
            load.conclude("Redis stopped, then killed, and started again")
    finally:
        redis.stop()


def pause_redis(drills, seconds):
    redis = Redis(drills.directory, "redis-pause")
    try:
        with drills.setting("replicas-pause", store=store(redis.url)) as setting:
            load = Load(setting)

            def pause():
                redis.send(signal.SIGSTOP)
                time.sleep(seconds)
                redis.send(signal.SIGCONT)

            load.under_load(pause)
            load.conclude(f"Redis paused for {seconds:g} s")
    finally:
        redis.stop()


def fail_over(drills, wait_replicas):
    sentinels = Sentinels(drills.directory / f"sentinels-{wait_replicas}")
    try:
        section = store(sentinels.url, f"wait_replicas = {wait_replicas}")
        with drills.setting(f"replicas-failover-{wait_replicas}", store=section) as setting:
            load = Load(setting)

            def kill_master():
                sentinels.master.stop(signal.SIGKILL)
                sentinels.new_master()

            # With `wait_replicas = 1`, every write is refused until the killed server follows the new master.
            def fail_over():
                kill_master()
                sentinels.master.more = ["--replicaof", "127.0.0.1", str(sentinels.replica.port)]
                sentinels.master.start()

            load.under_load(fail_over)
            load.conclude(f"failover with wait_replicas = {wait_replicas}", may_lose=wait_replicas == 0)
    finally:
        sentinels.stop()


def cut_off(drills):
    """One replica loses its connection to Redis, and a user signs out at another one."""
    redis = Redis(drills.directory, "redis-cut")
    proxy = Proxy(redis.port)
    try:
        section = store(redis.url, f"l1_trust_ms = {TRUST_SECONDS * 1000}\nl1_grace_s = {GRACE_SECONDS}")
        with drills.setting("replicas-cut", store=section) as setting:
            load = Load(setting, [None, {"BOT_SSO_STORE__URL": proxy.url}])
            free, cut = load.services
            account = load.new_account()
            assert load.calls(free).exchange(account, "first").status == 200
            assert load.calls(cut).get_token(account).status == 200, "the other replica has the token, too"
            proxy.cut()
            cut_at = time.monotonic()
            assert load.calls(free).sign_out(account).status == 200
            last = None
            while time.monotonic() - cut_at < TRUST_SECONDS + GRACE_SECONDS + SLACK_SECONDS + 5:
                begun = time.monotonic()
                if load.calls(cut).get_token(account).status == 200:
                    last = begun - cut_at
                time.sleep(0.1)
            proxy.mend()
            load.wait_for_recovery()
            status = load.calls(cut).get_token(account).status
            print(f"one of two replicas cut off: it handed a token out until {last or 0:.1f} s after the cut (trust "
                  f"{TRUST_SECONDS} s, grace {GRACE_SECONDS} s); after it was connected again: {status}", flush=True)
            assert last is not None, "a replica that is cut off serves its users within the grace"
            assert last <= TRUST_SECONDS + GRACE_SECONDS + SLACK_SECONDS, "a replica that is cut off forgets in time"
            assert status == 404, f"the sign-out holds on all replicas: {status}"
    finally:
        redis.stop()


def skew_clocks(drills, library):
    """The replicas' clocks differ by four minutes."""
    redis = Redis(drills.directory, "redis-skew")
    try:
        with drills.setting("replicas-skew", store=store(redis.url)) as setting:
            clocks = [{"LD_PRELOAD": str(library), "FAKETIME": f"{skew:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
                      for skew in (-SKEW_SECONDS, 0, SKEW_SECONDS)]
            load = Load(setting, clocks)
            load.under_load(lambda: load.wait_for_answers(100))
            load.conclude(f"clocks of replicas moved by -{SKEW_SECONDS}, 0 and +{SKEW_SECONDS} s")
    finally:
        redis.stop()
