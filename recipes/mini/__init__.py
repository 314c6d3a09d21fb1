"""The recipe that trains ``mini``, the embedded small CLIP (see README.md beside this file)."""
