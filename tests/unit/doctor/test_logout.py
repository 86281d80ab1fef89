"""What systemd does to a run at logout."""

import pytest

from inittui.doctor import logout
from tests.unit.doctor.conftest import MakeSystem

BOOTED = {"run/systemd/system/": ""}
SESSION = {"proc/self/cgroup": "0::/user.slice/user-1000.slice/session-2.scope\n"}
MANAGER = {"proc/self/cgroup": "0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope\n"}
LINGERS = {"var/lib/systemd/linger/ada": ""}
KILLS = {"etc/systemd/logind.conf": "[Login]\nKillUserProcesses=yes\n"}


@pytest.mark.parametrize(
    ("files", "state", "mend"),
    [
        ({}, "ok", ""),
        (KILLS, "ok", ""),  # no systemd was booted: a container with its files
        (BOOTED | SESSION, "ok", ""),
        (BOOTED | SESSION | KILLS, "fault", "once: loginctl enable-linger ada; then start it with: systemd-run --user"),
        (BOOTED | KILLS, "fault", "systemd-run --user --scope inittui"),
        (BOOTED | SESSION | KILLS | LINGERS, "fault", "start it with: systemd-run --user --scope inittui"),
        (BOOTED | MANAGER | KILLS | LINGERS, "ok", ""),
        (BOOTED | MANAGER | KILLS, "fault", "once: loginctl enable-linger ada"),
        (BOOTED | MANAGER, "fault", "once: loginctl enable-linger ada"),
        (BOOTED | {"etc/systemd/logind.conf": "[Login]\n#KillUserProcesses=yes\n"}, "fault", "enable-linger"),
        (BOOTED | {"etc/systemd/logind.conf": "[Login]\n#KillUserProcesses=no\n"}, "ok", ""),
        (BOOTED | {"usr/lib/systemd/logind.conf": "[Login]\nKillUserProcesses=yes\n"}, "fault", "enable-linger"),
        (BOOTED | {"usr/lib/systemd/logind.conf.d/50-x.conf": "[Login]\nKillUserProcesses = yes\n"}, "fault", "linger"),
        (BOOTED | KILLS | {"etc/systemd/logind.conf.d/9.conf": "[Login]\nKillUserProcesses=no\n"}, "ok", ""),
        (  # a drop-in of the same name in /etc hides the one in /run
            BOOTED
            | {
                "run/systemd/logind.conf.d/9.conf": "[Login]\nKillUserProcesses=yes\n",
                "etc/systemd/logind.conf.d/9.conf": "\n",
            },
            "ok",
            "",
        ),
        (BOOTED | {"etc/systemd/logind.conf": "[Login]\nKillUserProcesses=yes\nKillExcludeUsers=root ada\n"}, "ok", ""),
        (BOOTED | {"etc/systemd/logind.conf": "[Login]\nKillUserProcesses=yes\nKillOnlyUsers=eve\n"}, "ok", ""),
        (BOOTED | {"etc/systemd/logind.conf": "\x00\xff=\n====\n[[["}, "ok", ""),
    ],
)
def test_what_logging_out_does_to_a_run(system: MakeSystem, files: dict[str, str], state: str, mend: str) -> None:
    check = logout.logout(system(files))
    assert check.state == state, check
    assert mend in check.fix
    assert bool(check.fix) == (state != "ok")
