"""The budget of an experiment, before the first animal: what it will cost, and whether it can work.

```
plausible   learners that the animal may be like, each a few overrides of the document
ease        what such a learner really finds easiest, hence what precision means for it
reliability whether one evaluation says anything
search      the document's search, many times over, with its control
interval    from those runs to the next one
price       from presentations to days and animals
changes     other strategies and episodes: what would be cheaper
work, crew  all of it as independent pieces, on all cores
budget      the pieces put together; table, figure, command: shown
```
"""
