"""Clock jumps: the wall clock of the service and of the stage is moved while they run, and back. The clock that only
counts (CLOCK_MONOTONIC) goes on."""

import datetime
import time

from calls import Account, Calls, Tokens

LIBRARIES = ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"]
MINUTE, HOUR, DAY = 60, 3600, 86_400
# Seconds from the real time, one after the other.
JUMPS = [4 * MINUTE, -4 * MINUTE, 2 * HOUR, 0, -2 * HOUR, 30 * DAY, 0, -30 * DAY, 0]
LONGEST_ANSWER_SECONDS = 10


class MovedClock:
    """A file that says how far the programs' clock is from the real one."""

    def __init__(self, path, library):
        self.path, self.offset = path, 0
        self.environment = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(path), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.move(0)

    def move(self, offset):
        self.offset = offset
        beside = self.path.with_suffix(".new")
        beside.write_text(f"{offset:+d}")
        beside.replace(self.path)

    def now(self):
        return time.time() + self.offset


class Traveller:
    def __init__(self, setting, clock):
        self.setting, self.clock, self.tokens = setting, clock, Tokens(setting.stage)
        self.service = setting.serve()
        self.calls = Calls(setting.stage, self.tokens, self.service)
        self.longest, self.figures = 0, []

    def status(self, answer):
        self.longest = max(self.longest, answer.seconds)
        self.service.assert_runs()
        return answer.status

    def expect(self, what, answer, *right):
        status = self.status(answer)
        assert status in right, f"{self.where()}: {what} is {status} and has to be {right}; see {self.service.log}"

    def where(self):
        return f"clock at {self.clock.offset:+d} s"

    def expect_current_token(self, account):
        """A token that is handed out has not ended by the moved clock."""
        answer = self.calls.get_token(account)
        self.expect("GetToken", answer, 200)
        expiration = datetime.datetime.fromisoformat(answer.json()["expiration"].replace("Z", "+00:00")).timestamp()
        assert expiration > self.clock.now(), f"{self.where()}: a token that ended at {expiration} was handed out"

    def jump(self, number, offset, kept, gone):
        """Moves the clock. Tokens of callers are obtained anew, as callers with the right time have them."""
        self.clock.move(offset)
        self.tokens.forget()
        self.expect("the health check", self.calls.healthz(), 200)
        # Long after its tokens have ended, the account has a refresh token at the stage, or has to sign in again.
        answer = self.calls.get_token(kept)
        self.expect("GetToken of a kept account", answer, 200, 404)
        if answer.status == 200:
            self.expect_current_token(kept)
        self.expect("GetToken of a signed-out account", self.calls.get_token(gone), 404)
        new = Account(f"clock-{number}", "ada")
        self.expect("an exchange", self.calls.exchange(new, "x"), 200)
        self.expect_current_token(new)
        self.expect("its duplicate", self.calls.exchange(new, "x"), 200)
        self.expect("a sign-out", self.calls.sign_out(new), 200, 204)
        self.expect("GetToken after it", self.calls.get_token(new), 404)
        code = self.calls.sign_in(Account(f"clock-code-{number}", "gus", "webchat"))
        assert code, f"{self.where()}: a sign-in in the browser shows no code"
        self.expect("the code", self.calls.enter_code(Account(f"clock-code-{number}", "gus", "webchat"), code), 200)
        self.figures.append(f"{offset:+d}s:{answer.status}")

    def run(self):
        kept, gone, late = Account("clock-kept", "ada"), Account("clock-gone", "ada"), Account("clock-late", "gus", "webchat")
        for account in (kept, gone):
            self.expect("an exchange", self.calls.exchange(account, "x"), 200)
        self.expect("a sign-out", self.calls.sign_out(gone), 200, 204)
        code = self.calls.sign_in(late)
        assert code, "a sign-in in the browser shows no code"
        for number, offset in enumerate(JUMPS):
            self.jump(number, offset, kept, gone)
            if number == JUMPS.index(2 * HOUR):
                # The card has ended, too, so the six digits are passed on to the bot.
                self.expect("a code that has ended", self.calls.enter_code(late, code), 200, 404)
                self.expect("GetToken after a code that has ended", self.calls.get_token(late), 404)
        self.old_tokens_of_callers()
        self.service.kill()
        self.service = self.setting.serve()
        self.calls = Calls(self.setting.stage, self.tokens, self.service)
        self.expect("GetToken of a signed-out account after kill -9", self.calls.get_token(gone), 404)
        print(f"clock jumps: {len(JUMPS)}; GetToken of the account that was signed in before: {', '.join(self.figures)}; "
              f"longest answer {self.longest:.2f} s")
        assert self.longest <= LONGEST_ANSWER_SECONDS, f"an answer took {self.longest:.1f} s"
        self.service.stop()

    def old_tokens_of_callers(self):
        """Callers whose tokens have ended, or are not valid yet, by the service's clock are refused and not served."""
        account = Account("clock-caller", "ada")
        for offset in (DAY, -DAY):
            self.clock.move(0)
            self.tokens.forget()
            self.expect("an exchange", self.calls.exchange(account, f"x{offset}"), 200)
            self.calls.get_token(account)
            self.clock.move(offset)
            self.expect("an exchange of an old caller", self.calls.exchange(account, f"y{offset}"), 401, 403)
            self.expect("GetToken of an old caller", self.calls.get_token(account), 401, 403)
        self.clock.move(0)
