"""The commands of `tillswitch`, with a daemon running and without one."""
