"""The one exception that is meant for people."""


class GoproError(Exception):
    """A mistake the user can mend.

    The message is one line that says what was got, what was wanted and what to do. The command
    line prints it without a traceback and exits with code 2.
    """


class DiskFullError(GoproError):
    """The disk is full: what to do afterwards depends on the command."""


class NotFiniteError(GoproError):
    """A training whose loss, gradient or weights stopped being finite numbers.

    Args:
        what: What broke, at which step, on which files.
        remedy: What to try.
        kept: Where, and what is left of the weights of before.
    """

    def __init__(self, what: str, remedy: str, kept: str) -> None:
        super().__init__(f"{what}; {remedy}{kept}")
        self.what, self.remedy = what, remedy
