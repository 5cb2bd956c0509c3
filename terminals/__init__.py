"""Bytes to transactions and back: framing, codecs, sessions. No sockets, no clock; imports specs only."""
