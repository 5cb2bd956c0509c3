"""The demo: data of two imaginary merchants, their terminals, cards and certificates."""
