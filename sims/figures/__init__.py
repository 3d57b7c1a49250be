"""One file a published figure: settings, `compute(settings)`, `plot(data)`."""
