"""One file a part, each with one final class that derives `sims.hardening.part.AbstractPart`."""
