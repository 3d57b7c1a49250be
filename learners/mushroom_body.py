"""A model of the fly's mushroom body: sparse, trained, with or without an excitatory input layer.

```
glomeruli (features) --claws--> Kenyon cells (ReLU) ----> one output neuron
```

Dorrell, Yuffa & Latham 2023, § 5.3, figure 7 and Appendix E: what the pattern of the sparse
connections makes easy to learn. Absent connections are absent in training too: neither the
answers nor any gradient sees them.
"""

import functools
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt, Le, MinLen
from jaxtyping import Array, Float, Float64, PRNGKeyArray
from pydantic import AfterValidator

from learners import connectivity
from learners.descent import AbstractTrained, Network, Optimiser, Weights


def absolute(path: str) -> str:
    """Return the path from the root, so that a frozen document finds its matrix from anywhere."""
    return str(Path(path).resolve()) if path else ""


Probability = Annotated[float, Ge(0), Le(1)]
Present = Annotated[int, Ge(0), Le(1)]


class MushroomBody(AbstractTrained):
    """y = v · ReLU((W ∘ C)ᵀ x + b) + c with 0/1 connectivity C, trained by gradient descent."""

    kind: ClassVar[str] = "mushroom_body"
    kenyon_cells: Annotated[int, Ge(1)] = 150
    """Number of hidden units."""
    claws: Annotated[int, Ge(1)] = 2
    """Inputs of each Kenyon cell; not used when the connectivity is given."""
    connectivity: Literal["random", "biased", "grouped", "given"] = "random"
    """How a cell's inputs are chosen: all alike, by `input_preference`, by `groups`, or as
    `matrix` (or `matrix_file`) says."""
    input_preference: tuple[Annotated[float, Ge(0)], ...] = (0.6, 0.1, 0.1, 0.1, 0.1)
    """Relative chance of each input, drawn without replacement; only for `biased`."""
    groups: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (2, 3)
    """Sizes of the groups into which the inputs are divided, in order; only for `grouped`."""
    within_group: tuple[Probability, ...] = (0.85, 0.8)
    """For each group, the probability that a cell's second input lies in that of its first."""
    matrix: tuple[tuple[Present, ...], ...] = ()
    """One row for each Kenyon cell, one column for each input, 1 where they are connected."""
    matrix_file: Annotated[str, AfterValidator(absolute)] = ""
    """The same as a `.npy` array or a `.csv` file without a header; relative to the folder in
    which the program is started."""
    wiring: Literal["redrawn", "fixed"] = "redrawn"
    """Whether each episode is another fly, with its own connectivity, or all share one."""
    wiring_seed: Annotated[int, Ge(0)] = 0
    """Seed of the shared connectivity; only used when it is fixed."""
    excitatory: bool = False
    """Whether weights onto Kenyon cells start, and are kept, at or above 0."""
    training: Literal["both", "readout"] = "both"
    """Whether both layers learn, or only the output neuron's weights and bias."""
    initial_scale: Annotated[float, Gt(0)] = 1.0
    """Initial weights and biases are uniform in ± this over √(number of inputs to the layer)."""
    optimiser: Optimiser = "sgd"
    """Rule by which weights follow the gradient."""
    learning_rate: Annotated[float, Gt(0)] = 0.05
    """Step size."""
    steps: Annotated[int, Ge(1)] = 50
    """Updates in an episode."""
    batch: Annotated[int, Ge(0)] = 30
    """Training trials in an update, drawn anew for each; 0, or if there are no more: all."""

    def initial(self, features: int, *, key: PRNGKeyArray) -> Network:
        """Draw connectivity and weights of a naive fly."""
        wiring_key, *keys = jax.random.split(key, 5)
        present = self.wire(features, key=wiring_key)
        into, onto = (self.initial_scale / count**0.5 for count in (features, self.kenyon_cells))
        shape, cells = (features, self.kenyon_cells), (self.kenyon_cells,)
        low = 0.0 if self.excitatory else -into
        kenyon = {
            "input": present * jax.random.uniform(keys[0], shape, minval=low, maxval=into),
            "bias": jax.random.uniform(keys[1], cells, minval=-into, maxval=into),
        }
        output = {
            "readout": jax.random.uniform(keys[2], cells, minval=-onto, maxval=onto),
            "offset": jax.random.uniform(keys[3], (), minval=-onto, maxval=onto),
        }
        if self.training == "readout":
            return Network(trained=output, fixed=kenyon)
        return Network(trained=kenyon | output, fixed={"present": present})

    def constrain(self, trained: Weights, fixed: Weights) -> Weights:
        """Set weights onto Kenyon cells that have become inhibitory to 0."""
        del fixed
        if not self.excitatory or self.training == "readout":
            return trained
        return trained | {"input": jax.nn.relu(trained["input"])}

    def respond(
        self, network: Network, x: Float[Array, "point feature"], *, key: PRNGKeyArray
    ) -> Float[Array, " point"]:
        """Answer to `x`; nothing here is random."""
        del key
        weights = {**network.trained, **network.fixed}
        into = weights["input"]
        if "present" in weights:  # in the forward pass, so that it is in every gradient too
            into = into * weights["present"]
        kenyon = jax.nn.relu(x @ into + weights["bias"])
        return kenyon @ weights["readout"] + weights["offset"]

    def wire(self, features: int, *, key: PRNGKeyArray) -> Float[Array, "feature cell"]:
        """Draw which input reaches which Kenyon cell: 1 where one does, else 0."""
        if self.wiring == "fixed":
            key = jax.random.key(self.wiring_seed)
        if self.connectivity == "given":
            return jnp.asarray(self._given().T, jnp.float32)
        if self.connectivity == "grouped":
            second = connectivity.second_input_chances(self.groups, self.within_group)
            return connectivity.grouped(second, self.kenyon_cells, key=key)
        weights = self.input_preference if self.connectivity == "biased" else (1.0,) * features
        chances = np.asarray(weights, np.float64)
        return connectivity.preferring(chances, self.claws, self.kenyon_cells, key=key)

    def check(self, points: Float64[np.ndarray, "point feature"]) -> None:
        """Raise ValueError if Kenyon cells can't be wired to so many inputs."""
        inputs = points.shape[1]
        if self.connectivity == "given":
            field = "matrix_file" if self.matrix_file else "matrix"
            connectivity.check_matrix(self._given(), self.kenyon_cells, inputs, field)
            return
        if self.claws > inputs:
            raise ValueError(
                f"claws: a Kenyon cell can't have {self.claws} different inputs of the {inputs} "
                f"features of a stimulus; use at most {inputs}"
            )
        if self.connectivity == "biased":
            connectivity.check_preference(self.input_preference, self.claws, inputs)
        if self.connectivity == "grouped":
            connectivity.check_groups(self.groups, self.within_group, self.claws, inputs)

    def _given(self) -> Float64[np.ndarray, "..."]:
        if bool(self.matrix) == bool(self.matrix_file):
            raise ValueError(
                "connectivity: 'given' needs either `matrix` or `matrix_file`, got "
                + ("both; remove one" if self.matrix else "neither")
            )
        if self.matrix_file:
            return _read(self.matrix_file)
        if len({len(row) for row in self.matrix}) > 1:
            raise ValueError("matrix: expected rows of equal length, one number for each input")
        return np.asarray(self.matrix, np.float64)


@functools.cache
def _read(path: str) -> Float64[np.ndarray, "..."]:
    return connectivity.read_matrix(Path(path))
