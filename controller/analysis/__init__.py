"""Reading a store back: what the learner finds easy, and how that is known."""
