"""What an experiment is: stimulus spaces, episodes, documents and the ready ones in `library/`."""
