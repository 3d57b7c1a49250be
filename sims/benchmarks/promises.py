"""What is promised in numbers, and the program that measures each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One program of this folder and what its figures should be."""

    module: str
    wanted: str
    arguments: tuple[str, ...] = ()
    quiet: bool = False
    """It times single events: on a busy computer its figures say nothing about the program."""
    long: bool = False
    """It takes more than ten minutes, and is run with `--long` only."""


PROMISES = (
    Promise(
        "log_overhead",
        "logging every trial: logged ÷ fused scan without a log, ≥ .8 (64 candidates, 30 + 100 "
        "trials)",
    ),
    Promise("log_cost", "log cost ≤ 30 ns of CPU a trial"),
    Promise(
        "live_commit", "a durable single-trial commit ÷ a bare SQLite commit of the bytes, ≤ 1.5"
    ),
    Promise("memory", "a run of 10 million trials in ≤ 1.5 GB, however long it is"),
    Promise(
        "rig_link",
        "the board, emulated: ping ≤ 1 ms (median), pulse within 100 µs, lick to valve ≤ 1 ms "
        "(p99), lease within 5 ms, 2 000 edges/s without loss; clock ± 2 000 ppm: slope within 5 "
        "ppm, residual ≤ 200 µs (p95)",
        quiet=True,
    ),
    Promise(
        "rehearsal",
        "first-order shares on the emulated rig and of the circuit alone within .03; ≥ 2 000 "
        "trials a second",
        ("--seeds", "2"),
    ),
    Promise(
        "live_session",
        "a session in real time: the controller's own time between trials ≤ 5 ms (p99)",
        quiet=True,
    ),
    Promise(
        "live_page",
        "the live page: trial interval's p99 with the page ÷ without, no measurable cost; a trial "
        "is on the page within 1 s",
        ("--trials", "400"),
        quiet=True,
    ),
    Promise(
        "analyse",
        "a store of 10 million trials: `analyse` ≤ 60 s and ≤ 2 GB, `serve` opens in ≤ 1 s; of 10⁴ "
        "trials: ≤ 5 s after import",
    ),
    Promise("sweep", "two workers ÷ one on a sweep, ≥ 1.8"),
    Promise("rig_scheduler", "100 simulated rigs, 1 000 episodes: scheduler < 20 % of a core"),
    Promise("refit", "`twin` refits to 3 000 trials in ≤ 2 s of one core"),
    Promise(
        "meta_step", "one meta-step at the published sizes: ≥ 25 × the published code (7: 80 ×)"
    ),
    Promise("convolution", "one meta-step of figure 6 against the published 1.3 s"),
    Promise(
        "trials", "a function in ≤ 1 200 trials with lapses, ≤ 3 000 with carry-over", long=True
    ),
    Promise("beyond_twins", "`twin` outside its models: g/Var ≤ 1.5 × `gradient`'s", long=True),
    Promise("budget", "`plan`'s 80 % interval holds 14-18 of 20 fresh runs", long=True),
    Promise("fit", "`fit` names the learner in ≥ 9 of 10 stores, five kinds", long=True),
    Promise(
        "rat", "a real rat: a learner against a logistic regression, held-out sessions", long=True
    ),
)
