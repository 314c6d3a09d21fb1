"""Makes ``lite``: a text tower that learns to speak a frozen image network's language."""

import os

# threads that wait for work spin by default, which costs more than it gains on a busy machine
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
