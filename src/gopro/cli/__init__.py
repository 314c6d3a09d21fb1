"""The commands: each turns arguments into settings and prints what came of it."""
