"""What the ledger expects of given requests: python3 -m unittest discover -s tests/drill -p '*_tests.py'"""

import unittest

from calls import Account
from ledger import SIGN_IN, SIGN_OUT, Ledger


class MostEvents(unittest.TestCase):
    """How often a bot may be told of the sign-ins of an account."""

    def setUp(self):
        self.ledger, self.account = Ledger(), Account("a", "ben")

    def sign_in(self, is_repeated=False):
        return self.ledger.begin(SIGN_IN, self.account, is_repeated)

    def sign_out(self, concerned=None):
        return self.ledger.begin(SIGN_OUT, concerned or self.account)

    def answer(self, *operations):
        for operation in operations:
            self.ledger.finish(operation, True)

    def assert_most(self, number):
        self.assertEqual(self.ledger.most_events(self.account), number)

    def test_an_account_that_never_signed_in_has_no_event(self):
        self.answer(self.sign_out("ben"))
        self.assert_most(0)

    def test_duplicates_of_a_sign_in_have_one_event_together(self):
        first, second = self.sign_in(), self.sign_in(True)
        self.answer(second, first, self.sign_in(True))
        self.assert_most(1)

    def test_a_sign_in_that_is_repeated_after_a_kill_has_one_event(self):
        self.sign_in()
        self.ledger.record_kill()
        self.answer(self.sign_in(True))
        self.assert_most(1)

    def test_a_repeated_sign_in_that_a_sign_out_has_crossed_may_be_told_once_more(self):
        """The sign-out removes the token of the first one, so the repeated one leads to another token: it is a sign-in of
        its own, which the bot waits for."""
        first, second = self.sign_in(), self.sign_in(True)
        self.answer(first)
        everywhere = self.sign_out("ben")
        self.answer(second, everywhere)
        self.assert_most(2)

    def test_a_sign_out_that_was_not_answered_may_have_crossed_it_too(self):
        first, second = self.sign_in(), self.sign_in(True)
        self.answer(first)
        self.sign_out("ben")
        self.ledger.record_kill()
        self.assertTrue(second.end is not None)
        self.assert_most(2)

    def test_sign_outs_before_the_first_sign_in_and_after_the_last_one_change_nothing(self):
        self.answer(self.sign_out(), self.sign_out("ben"))
        self.answer(self.sign_in(), self.sign_in(True))
        self.answer(self.sign_out(), self.sign_out("ben"))
        self.assert_most(1)

    def test_a_sign_out_of_another_account_or_person_changes_nothing(self):
        first, second = self.sign_in(), self.sign_in(True)
        self.answer(first, self.sign_out(Account("b", "ben")), self.sign_out("ada"), second)
        self.assert_most(1)

    def test_two_sign_ins_have_two_events(self):
        self.answer(self.sign_in(), self.sign_out(), self.sign_in())
        self.assert_most(2)


if __name__ == "__main__":
    unittest.main()
