"""Black-box tests of the VISA-2 interface: a terminal of the tests' own, and what it may expect.

Written from WIRE-VISA2.md, WIRE.md, the VISA-2 reference and demo.json alone; nothing here knows the switch's code.
"""
