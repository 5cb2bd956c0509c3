"""The contract with terminals, tested from outside: bytes in, bytes out, nothing of the switch imported.

The client here was written from the terminal interface alone. It shares no line with the switch or with tillsim, so
that the same mistake on both sides cannot agree with itself.
"""
