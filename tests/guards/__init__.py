"""Rules of the house that a machine can hold; each can fail, and a bad sample proves it."""
