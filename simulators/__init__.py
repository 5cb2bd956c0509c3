"""The other side: `tillsim`, a terminal that shares no codec with the switch."""
