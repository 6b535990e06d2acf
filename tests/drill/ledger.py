"""What was asked of bot-sso and what it answered, and what must hold because of it."""

import collections
import itertools
import threading

SIGN_IN, SIGN_OUT = "sign-in", "sign-out"


class Operation:
    """A request that changes whether an account is signed in. Begin and end are positions in the order of all requests;
    an operation that was not answered has ended when its service was killed."""

    def __init__(self, kind, begin, is_repeated):
        self.kind, self.begin, self.end, self.is_done = kind, begin, None, False
        # Whether the bot may not be told of this sign-in, because the request was sent before.
        self.is_repeated = is_repeated


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.ticks = itertools.count()
        # By account. Sign-outs everywhere are kept by the person's name, since they concern all accounts of the person.
        self.operations = collections.defaultdict(list)
        self.under_way = set()
        self.answers = collections.Counter()
        self.unanswered = collections.Counter()

    def begin(self, kind, concerned, is_repeated=False):
        """Records that a request is sent. It concerns an account or, by name, a person."""
        with self.lock:
            operation = Operation(kind, next(self.ticks), is_repeated)
            self.operations[concerned].append(operation)
            self.under_way.add(operation)
            return operation

    def finish(self, operation, is_done):
        with self.lock:
            operation.end, operation.is_done = next(self.ticks), is_done
            self.under_way.discard(operation)

    def count(self, what, status):
        with self.lock:
            if status is None:
                self.unanswered[what] += 1
            else:
                self.answers[what, status] += 1

    def record_kill(self):
        """Ends the operations that were not answered."""
        with self.lock:
            now = next(self.ticks)
            for operation in self.under_way:
                operation.end = now
            self.under_way.clear()

    def expects(self, account):
        """Whether the account has to be signed in. `None` if both are right, because requests crossed or were not
        answered."""
        with self.lock:
            operations = self.operations[account] + self.operations[account.person]
        last = {SIGN_IN: -1, SIGN_OUT: -1}
        for operation in operations:
            last[operation.kind] = max(last[operation.kind], operation.end)
        for operation in operations:
            other = SIGN_OUT if operation.kind == SIGN_IN else SIGN_IN
            if operation.is_done and operation.begin > last[other]:
                return operation.kind == SIGN_IN
        return None

    def most_events(self, account):
        """How often the bot may have been told of sign-ins of the account: of each once. A repeated request is a new
        sign-in if a sign-out has crossed it, because it then leads to another token."""
        with self.lock:
            operations = self.operations[account] + self.operations[account.person]
        sign_ins = [operation for operation in operations if operation.kind == SIGN_IN]
        first = min(operation.begin for operation in sign_ins) if sign_ins else 0
        sign_outs = [operation for operation in operations if operation.kind == SIGN_OUT and operation.end > first]
        crossed = [repeated for repeated in sign_ins
                   if repeated.is_repeated and any(sign_out.begin < repeated.end for sign_out in sign_outs)]
        return sum(not operation.is_repeated for operation in sign_ins) + len(crossed)
