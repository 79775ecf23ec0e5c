"""Many scenarios from one file: every run sealed like any other, and nothing done twice."""

TIMEOUT_MINUTES = 60.0  # of one scenario; base takes a quarter of one, a cold compiler a few
