"""Settings of all tests."""

from hypothesis import settings

# How long an example takes says something about the machine, not about the switch.
settings.register_profile("tillswitch", deadline=None)
settings.load_profile("tillswitch")
