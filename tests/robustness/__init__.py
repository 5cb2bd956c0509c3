"""Attacks from outside: whatever comes, the switch lives, its neighbours are served, and nothing leaks."""
