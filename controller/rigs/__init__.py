"""Many rigs, one experiment: sessions that are lent to rigs over a Dask scheduler.

The experiment's folder, its queue and its planner are the experimenter's. A rig's computer gets
episodes enough for a session (training labels, never test labels), runs it as any other in a
process of its own, and needs nobody for that: network, scheduler and experimenter may go and come
back.

    experimenter                     scheduler            rig's computer
    run.py, loan.py ── calls.py ──────── · ──────── worker.py, host.py ── session_entry.py
    queue, planner, sessions/                            LAB/lent/SESSION: queue, sessions/

What comes back is a state that is taken over, never a message that could be lost or come twice:
answers while the session runs, its store and what the animal got when it is over. A session belongs
to one rig by its name, and is begun there once.
"""
