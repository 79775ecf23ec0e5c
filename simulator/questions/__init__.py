"""Questions put to a run: what can be asked, what a question says, and how it is answered."""
