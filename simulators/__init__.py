"""The other side: `tillsim`, a terminal that shares no codec with the switch.

Its field table, codec and private tables are its own, written from the terminal interface page alone: if both sides
were built from one table, the same mistake on both would agree with itself.

    fields, codecs, wire, framing    what a message looks like on the line
    tables, describe                 what is packed inside it, and how it is shown with its secrets hidden
    money, demo, state               currencies; who and which cards there are (demo.json); what a terminal remembers
    requests, link, terminal         one request, one connection, one terminal that asks and recovers
    receipt, cli, story, load        the slip, the commands, played conversations, traffic
"""
