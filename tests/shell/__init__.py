"""Tests of the modules that surround the rules: configuration, keys, logs, metrics, HTTP, TLS."""
