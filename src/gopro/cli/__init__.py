"""The commands: each turns arguments into settings, and prints the result."""
