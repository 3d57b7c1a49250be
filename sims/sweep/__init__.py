"""Sweeps: many simulated runs of one plan, shared by the workers of a Dask scheduler.

```
document   what is swept: protocols × learners × variants × seeds
plan       the same as single runs, each with its own document
folder     where they are: refuses another plan, knows what is done
work       one run, in a worker: claimed, resumed, analysed, its row written
local_disk a run's store while it is computed, where the folder is on a network
conduct    the client: sends runs, hears how they ended, sends again what was lost
clusters/  where the workers come from
row, table what a run came to, and all of them together
command    `biasloop sweep`
```

A run is started again by whoever finds it unfinished, and never by two at a time: see
`controller.claims`.
"""
