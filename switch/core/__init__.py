"""What is allowed and what it moves: pure rules over records. No I/O, no clock, no random numbers."""
