"""One module per command, named like it, loaded when it is called."""
