"""What somebody should know before a search over many parameters spends an animal's life."""

from controller.document import Experiment
from controller.strategies.es import ES

MANY = 64
A_DAY = 500  # trials of a mouse on an ordinary day
TEXT = """\
WARNING: {trials:,} trials. At {a_day} a day that is {days:,} days of one animal.
  'es' searches {size} parameters (labeller {labeller!r}) and hears one number an episode:
  {functions} function(s), {generations} generations of {slots} candidates each.
  What one function cost on kernel regression (medians, sims/figures/RESULTS.md):
    'es' on 521 weights, as published        1,200,000 trials
    'es' on 521 weights, labels standardised    19,000
    'es' on 15 harmonic coefficients            10,000
    'iterated' on 15 harmonic coefficients         980
  For an animal that sees a circle or sphere of stimuli: labeller.kind = "harmonics" and
  strategy.kind = "iterated"; `biasloop new PATH --from animal` begins with them. On other stimuli
  take a smaller network, down to labeller.hidden = []. For circuits it is only slow."""


def cost_warning(experiment: Experiment) -> str | None:
    """Return a warning if an evolution strategy searches many parameters, None if not."""
    design = experiment.design()
    if not isinstance(design.strategy, ES) or design.theta_size <= MANY:
        return None
    stages = experiment.stages
    trials = _presentations(experiment) * stages.count * stages.generations
    return TEXT.format(
        trials=trials,
        a_day=A_DAY,
        days=-(-trials // A_DAY),
        size=design.theta_size,
        labeller=design.labeller.kind,
        functions=stages.count,
        generations=stages.generations,
        slots=design.strategy.population,
    )


def _presentations(experiment: Experiment) -> int:
    """Return the trials of one generation, as a session would present them if there is one."""
    design = experiment.design()
    if experiment.session is None:
        return design.trials_per_generation
    schedule = experiment.session.schedule.build()
    return design.episodes_per_generation * schedule.presentations(design.n_train, design.n_test)
