"""The stores: one contract over all three, what only one of them has, and several daemons on one PostgreSQL."""
