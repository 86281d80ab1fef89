"""Tries the arms of a run that use a user's own code, each kind of arm once, in forks of the supervisor.

A fork is used because own code may end its process, change it, or call CUDA. The supervisor must make no CUDA call.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from inittui.common.errors import InittuiError, UserCodeError
from inittui.common.failures import describe, stack
from inittui.common.user_code_refs import NETWORK, SCHEME, named
from inittui.engine import out_of_memory
from inittui.engine.data.dataset import Dataset
from inittui.engine.device import set_precision, set_up_thread
from inittui.engine.networks.user_code import UserCode
from inittui.experiment.preset import Arm
from inittui.supervisor.workers.trial import try_arm
from inittui.supervisor.workers.worker import Job

POLL_SECONDS = 0.05
_fork = multiprocessing.get_context("fork")


def tried(jobs: Sequence[Job], data: Dataset, check: Callable[[], None], *, on_cpu: bool) -> list[Job]:
    """`jobs`, with those marked whose trial has found a fault. `check` is called meanwhile and may raise. With
    `on_cpu` the trials run on the CPU, because another machine has the jobs' device.

    Raises UserCodeError when there is a fault in every job: the run would train nothing.
    """
    kinds = [_kind(job.arm) for job in jobs]
    faults: dict[Any, str] = {None: ""}
    for kind, job in zip(kinds, jobs, strict=True):
        if kind not in faults:
            faults[kind] = _fault(replace(job, device=torch.device("cpu")) if on_cpu else job, data, check)
    if jobs and all(faults[kind] for kind in kinds):
        raise UserCodeError("; ".join(dict.fromkeys(filter(None, faults.values()))))
    return [replace(job, doubtful=bool(faults[kind])) for kind, job in zip(kinds, jobs, strict=True)]


def uses_own_code(arm: Arm) -> bool:
    return arm.model.factory is not None or named(arm.init.name) is not None


def _kind(arm: Arm) -> Any:
    """What a trial depends on. None for an arm without own code, which needs none."""
    if not uses_own_code(arm):
        return None
    own_init = arm.init.name if named(arm.init.name) else ""
    return arm.model, own_init, arm.training.batch_size, arm.training.optimizer, arm.training.precision


def _fault(job: Job, data: Dataset, check: Callable[[], None]) -> str:
    """What a trial of `job` finds, in one line; "" for nothing."""
    answer, sender = _fork.Pipe(duplex=False)
    process = _fork.Process(target=_try, args=(job, data, sender))
    try:
        process.start()
    except OSError:  # no process can be started now: the workers report it
        return ""
    try:
        while not answer.poll(POLL_SECONDS):
            check()
            if not process.is_alive() and not answer.poll():
                return _how_it_ended(job.arm, process.exitcode or 0)
        return answer.recv_bytes().decode()
    finally:
        process.kill()
        process.join()
        answer.close()
        sender.close()


def _try(job: Job, data: Dataset, sender: Connection) -> None:
    """Try `job` in the fork, and send the fault, empty if there is none."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_up_thread(job.threads)
    set_precision(job.arm.training.precision)
    fault = ""
    try:
        try_arm(job.arm, data, job.device, scale_test=job.scale_test)
    except BaseException as error:  # of any kind
        print(stack(error), flush=True)
        if out_of_memory.explain(error) is None:  # which is no fault of the code: training reports it
            fault = str(
                error if isinstance(error, InittuiError) else _code(job.arm).fault(f"it raised {describe(error)}")
            )
    sender.send_bytes(fault.encode())
    os._exit(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _how_it_ended(arm: Arm, code: int) -> str:
    if code == -signal.SIGKILL:  # the kernel sends it when memory runs out: the worker reports it
        return ""
    how = f"signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"exit code {code}"
    return str(_code(arm).fault(f"in a trial of two steps its process ended with {how}"))


def _code(arm: Arm) -> UserCode:
    return UserCode.of(arm.model.factory, NETWORK) if arm.model.factory else UserCode.of(arm.init.name, SCHEME)
