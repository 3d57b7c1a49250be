"""What touches the world. Nothing here may import JAX or anything above it."""
