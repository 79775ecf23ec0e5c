"""Many scenarios from one file: every run sealed like any other, and nothing done twice."""
