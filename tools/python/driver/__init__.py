"""The program inside every sandbox that runs CPython: standard library only, Python >= 3.8.

Two processes. The *supervisor* owns the connection to the host (JSON lines), the clock, the files, and the pipe that is
stdout and stderr of the cells; it runs no code of the user's and is closed to inspection by its own user. The *worker*
is forked from it and executes cells in one namespace. After each cell the worker leaves a *copy* of itself behind,
which sleeps: when the next cell kills the worker or will not stop, the copy is woken and goes on from there.

The supervisor believes nothing that the worker reports beyond its shape, and the host believes nothing that the
supervisor sends: this program protects the session, the sandbox protects the host. It has no file of its own inside:
the host sends it as the first line (`cadenza.tools.python.program`).

Where Landlock is the sandbox, `main` puts the worker behind `walls`, a *keeper* waits above the supervisor, and the
supervisor counts what is on the `disk`.

Read in this order: main, supervisor, worker, cell; clip, files, processes; walls, keeper, disk.
"""
