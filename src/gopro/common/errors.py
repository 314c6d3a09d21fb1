"""Exceptions whose message is meant for the user."""


class GoproError(Exception):
    """An error that the user can correct.

    Its message is one line: what was got, what was wanted, what to do. The command line prints it
    without a traceback and exits with code 2.
    """


class DiskFullError(GoproError):
    """The disk is full. Commands catch this to add what the user can do next."""


class NotFiniteError(GoproError):
    """The loss, a gradient or a weight became NaN or infinite during training.

    Args:
        what: What became non-finite, in which step, on which images.
        remedy: What to try.
        saved: End of the sentence: which weights were saved, if any.
    """

    def __init__(self, what: str, remedy: str, saved: str) -> None:
        super().__init__(f"{what}; {remedy}{saved}")
        self.what, self.remedy = what, remedy
