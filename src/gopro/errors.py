"""The one exception that is meant for people."""


class GoproError(Exception):
    """A mistake the user can mend.

    The message is one line that says what was got, what was wanted and what to do. The command
    line prints it without a traceback and exits with code 2.
    """


class DiskFullError(GoproError):
    """The disk is full: what to do afterwards depends on the command."""
