"""One meta-step of figure 6 at the published sizes, against the machine's own matrix product.

The learner is trained for 100 steps on batches of 20 of 600 images, and tested on 1 400; the
labeller (16 and 32 filters) labels all 2 000. Nearly all of it are matrix products, so what counts
is which part of the rate of a large product is reached: that rate bounds what any program can do.
"""

import os
import time
from collections.abc import Callable
from typing import Any

FLAGS = "--xla_cpu_multi_thread_eigen=false"
IMAGES, TRAIN, SIDE, BATCH, STEPS = 2000, 600, 28, 20, 100
SPREAD_WEIGHT, THEIRS_MS, REPEATS, SQUARE = 100.0, 1341.0, 5, 1024


def operations() -> float:
    """Return the floating-point operations of the matrix products alone.

    A training step needs the product and its weights' gradient (images are constant), and the
    gradient through both as much again; labelling needs forward, weights, and the inputs of the
    second layer.
    """
    first = 2 * SIDE**2 * 25 * 16
    second = 2 * (SIDE // 2) ** 2 * (25 * 16) * 32
    training = 4 * STEPS * BATCH * first
    testing = 2 * (IMAGES - TRAIN) * first
    return float(training + testing + IMAGES * (2 * first + 3 * second))


def meta_step() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return the compiled gradient of one meta-step, and what it is called with."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from controller.labellers.conv import Conv
    from learners.conv_net import ConvNet
    from protocols.spaces.images import Images

    space = Images(source="mnist", classes=(0, 1), held_out=0.0)
    labeller = Conv(channels=(16, 32), output="linear")
    learner = ConvNet(channels=16, learning_rate=0.0025, steps=STEPS, batch=BATCH)

    def loss(theta: jax.Array, x: jax.Array, key: jax.Array) -> jax.Array:
        z = labeller.labels(space, theta, x)
        answers = learner.fit_predict(x[:TRAIN], z[:TRAIN], x[TRAIN:], key=key)
        return jnp.mean((answers - z[TRAIN:]) ** 2) - SPREAD_WEIGHT * jnp.std(z)

    x = jnp.asarray(np.resize(space.rows, (IMAGES, SIDE**2)), jnp.float32)
    theta = labeller.initial(space, key=jax.random.key(0))
    return jax.jit(jax.grad(loss)), (theta, x, jax.random.key(1))


def cpu_ms(call: Callable[..., Any], *arguments: Any) -> float:
    """Return the processor time of the quietest of a few calls, after one that compiles."""
    import jax

    jax.block_until_ready(call(*arguments))
    spent = []
    for _ in range(REPEATS):
        begun = time.process_time()
        jax.block_until_ready(call(*arguments))
        spent.append(time.process_time() - begun)
    return 1e3 * min(spent)


def main() -> None:
    """Print the time, and the part of the matrix product's rate."""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FLAGS}".strip()
    import jax
    import jax.numpy as jnp

    call, arguments = meta_step()
    ours = cpu_ms(call, *arguments)
    square = jnp.ones((SQUARE, SQUARE))
    product = cpu_ms(jax.jit(jnp.matmul), square, square)
    rate, limit = operations() / ours / 1e6, 2 * SQUARE**3 / product / 1e6
    print(f"figure 6 at the published sizes: theirs {THEIRS_MS:.0f} ms, ours {ours:.0f} ms CPU")
    print(f"{rate:.1f} GFLOP/s, {rate / limit:.0%} of a {SQUARE}³ product's {limit:.0f} GFLOP/s;")
    print(f"at that rate it would take {operations() / limit / 1e6:.0f} ms: not below in any way")


if __name__ == "__main__":
    main()
