"""Every limit of the switch in one place, each with its reason. Configuration may lower or raise those it names."""

from typing import Final

# -- the wire ---------------------------------------------------------------------------------------------------------
FRAME_BYTES_MAX: Final = 4096  # WIRE.md section 1; the largest real POS message (two full LLL tables) is under 3 kB
BAD_FRAMES_MAX: Final = 10  # bad TPDUs in a row: a line that talks another protocol, not one bad message
SEND_SECONDS: Final = 5.0  # a terminal that does not take a 300-byte answer in this time is gone

# -- the VISA-2 link (WIRE-VISA2.md section 1); timers are defaults that a listener may change -------------------------
VISA2_POLL_SECONDS: Final = 5.0  # between two ENQs
VISA2_POLLS_MAX: Final = 3  # ENQs without any answer: nobody is there
VISA2_CHARACTER_SECONDS: Final = 5.0  # between two characters of a frame: a modem that dropped out
VISA2_REPEAT_SECONDS: Final = 15.0  # after NAK: a terminal repeats at once, or it is not there any more
VISA2_DECIDE_SECONDS: Final = 30.0  # terminals wait 35 s for a response; longer than `answer_seconds` ever is
VISA2_ACKNOWLEDGE_SECONDS: Final = 5.0  # after a response, before it is sent again
VISA2_REFUSALS_MAX: Final = 3  # NAKs in a row; the next bad frame ends the session
VISA2_SENDINGS_MAX: Final = 3  # of one response
VISA2_CAPTURE_SECONDS: Final = 30.0  # between two records of a batch
VISA2_DETAILS_MAX: Final = 9_996  # of one batch: with three other records as many as a rejection can number
VISA2_STRAYS_MAX: Final = 64  # characters outside a frame in one state: noise on the line, or another protocol

# -- connections ------------------------------------------------------------------------------------------------------
CONNECTIONS_MAX: Final = 4096  # per listener; a task costs about 20 kB, file descriptors are the scarcer thing
CONNECTIONS_FEW: Final = 128  # per listener: room for less is worth a warning although nobody asked for a number
IDLE_SECONDS: Final = 900.0  # persistent terminals send an echo every few minutes; a dead NAT entry must not stay
FRAME_SECONDS: Final = 30.0  # from the first byte of a frame to its last: slow lines need 5 s, slow attackers more
HANDSHAKE_SECONDS: Final = 10.0  # TLS over a GPRS modem takes 3 to 6 s
OUTSTANDING_MAX: Final = 256  # messages of one connection not answered yet: a concentrator of 256 terminals, one each
MESSAGES_A_TURN: Final = 8  # read or answered before the neighbours get their turn: under a millisecond of work
DESCRIPTORS_KEPT: Final = 32  # not for connections: the store, the log, the listening sockets, a file being read
LIVE_VIEWERS_MAX: Final = 8  # browsers that have the live page open; the other ops connections stay for machines
OPS_CONNECTIONS_MAX: Final = 32  # Prometheus, load balancers, persons; also of the control socket

# -- time -------------------------------------------------------------------------------------------------------------
ANSWER_SECONDS: Final = 20.0  # WIRE.md section 1: answered within, or not at all
TERMINAL_WAIT_SECONDS: Final = 30.0  # the shortest wait met in terminals (reference 1.4: 30 to 60 s)
DRAIN_SECONDS: Final = 10.0  # after SIGTERM
MANAGER_SECONDS: Final = 5.0  # for the service manager to take what we give it to keep
LAST_WORD_SECONDS: Final = 0.5  # when we end, a line that is owed nothing may bring what is on its way

# -- the service ------------------------------------------------------------------------------------------------------
QUEUE_MAX: Final = 4096  # requests waiting: two seconds of work at 2,000 a second; beyond it 96 at once
GROUP_MAX: Final = 128  # requests of one commit: the gain of grouping is flat from about 64 on
NUMBERS_BLOCK: Final = 4096  # ids leased from the store at a time; a crash loses at most one block

# -- the rules --------------------------------------------------------------------------------------------------------
REPLAY_HOURS: Final = 72  # WIRE.md section 4
SEQUENCE_HOURS: Final = 24  # WIRE-VISA2.md section 3: sequence numbers of four digits come round sooner
ADVICE_DAYS: Final = 30  # WIRE.md section 4
CONFIRM_SECONDS: Final = 60  # longer than any VISA-2 link waits: what is not confirmed by then never will be
TOMBSTONE_HOURS: Final = 24  # a reversal before its original is remembered that long
BATCH_DAYS: Final = 60  # WIRE.md section 5: how long a closed number is recognised
SAME_TIME_SECONDS: Final = 600  # times up to ten minutes apart count as equal
STAN_HALF: Final = 500_000  # "comes before", circularly
BATCH_NUMBER_MAX: Final = 999_999
BATCH_NUMBER_MAX_SHORT: Final = 999  # of VISA-2 terminals
TOTALS_BLOCKS: Final = (1, 2, 4, 6)  # how many blocks the totals of a settlement may have
TOTALS_COUNT: Final = 1000  # counts of totals have three digits: they are told and compared modulo this
SETTLE_COUNT: Final = 900  # transactions of one block from which on a terminal is told to settle
GUESS_LIMIT: Final = 20  # in ten minutes, WIRE.md section 6
PIN_TRIES: Final = 3
PIN_LOCK_MINUTES: Final = 30
UNDO_CANDIDATES: Final = 100  # newest transactions of one card at one terminal searched for an original
SETTLE_MINUTES: Final = 60  # before the end of a merchant's day its terminals are told to settle, one after another
UPLOAD_CANDIDATES: Final = 16  # newest messages of one STAN searched for the original of an upload
AMOUNT_MAX: Final = 999_999_999_999  # DE4 is n12
POINTS_MAX: Final = 9_999_999_999  # table PT tells points in ten digits
PHONE_DIGITS_MIN: Final = 7  # the shortest numbers in use: a country code of three digits and four of its own
PHONE_DIGITS_MAX: Final = 15  # ITU-T E.164, country code included
UNIT_BASE: Final = 1000  # points are counted in unit 1000 + their scheme's number: ISO 4217 ends at 999
SCHEME_NUMBER_MAX: Final = 3000  # a unit fits twelve bits of the id of a system account
EVENT_KEY_MAX: Final = 64  # of a caller's own id of an award: a UUID has 36
DISPLAY_TEXT_MAX: Final = 100  # of a points scheme: beside PT, RT and a receipt in one table of 999
RECEIPT_TEXT_MAX: Final = 600  # likewise; what does not fit is cut at a line
PURCHASE_MAX: Final = 100  # newest rows of a batch with one receipt number: a till that never counts its receipts up
LOTS_MAX: Final = 1024  # lots one row can open: a transfer carries the dates of what it moves
EXPIRY_SLICE: Final = 200  # lots looked at between two groups

# -- terminals watched ------------------------------------------------------------------------------------------------
STATUS_KEYS_MAX: Final = 16  # of a status table: six are in the contract, the rest are a maker's own
STATUS_VALUE_MAX: Final = 20  # characters of one value: what the contract gives versions and serial numbers
STATUS_TEXT_MAX: Final = 100  # of what cannot be read as key and value: enough to see whose mistake it is
ECHO_SILENCE_SECONDS: Final = 300  # of a terminal that answers echoes and has no interval of its own
ECHO_ANSWER_SECONDS: Final = 15.0  # a line over GPRS takes up to ten; longer than any that still works
LATE_INTERVALS: Final = 2  # expected intervals of silence: one echo may be lost on the way
OFFLINE_INTERVALS: Final = 3
OFFLINE_HOURS: Final = 24  # of a terminal that sends no echoes: it has not even closed its day
CLOCK_OFF_SECONDS: Final = 300  # a clock further off prints wrong dates, and its messages may not be known again
SEEN_SECONDS: Final = 60  # last_seen on disk is at most that old, and half an interval: what a kill -9 forgets
PRESENCE_SLICE: Final = 100  # terminals written, or read, in one go between the groups: about 5 ms of the store
TERMINALS_PAGE: Final = 100  # of a listing, unless it asks for another number
TERMINALS_PAGE_MAX: Final = 1000  # 430 kB of JSON, made in 12 ms, in slices

# -- webhooks ---------------------------------------------------------------------------------------------------------
WEBHOOK_SECONDS: Final = 5.0  # for each step of one delivery: connecting, sending, being answered
WEBHOOK_WHOLE_SECONDS: Final = 15.0  # for all steps: who answers a byte a second is of no use
WEBHOOK_SLICE: Final = 4  # deliveries taken from the outbox at a time
WEBHOOK_CLAIM_SECONDS: Final = 90  # longer than a slice can take; then somebody else sends it
WEBHOOK_AGAIN_SECONDS: Final = 5  # until the second try; twice as long each time
WEBHOOK_AGAIN_SECONDS_MAX: Final = 300  # nobody should wait longer for alarms once the receiver is back
WEBHOOK_DAYS: Final = 7  # then it is old news

assert WEBHOOK_SLICE * WEBHOOK_WHOLE_SECONDS < WEBHOOK_CLAIM_SECONDS, "nobody else sends what we are sending"
assert ANSWER_SECONDS + SEND_SECONDS < TERMINAL_WAIT_SECONDS, "an answer must reach the terminal before it gives up"
