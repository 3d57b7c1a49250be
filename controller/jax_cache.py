"""JAX's compilation cache, kept between runs."""

import os
from pathlib import Path

import jax


def enable() -> None:
    """Keep compiled programs in the user's cache folder, unless JAX was told another one."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(base / "biasloop" / "jax"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
