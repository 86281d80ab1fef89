import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from inittui.cli.main import main
from inittui.doctor import cgroups, folders, logout, machine, render
from inittui.doctor import terminal as screen
from inittui.doctor.check import Check, System
from inittui.doctor.examine import examine
from inittui.experiment.datasets import DATASETS
from tests.helpers import write_run

Build = Callable[..., System]
UTF8 = {"LANG": "C.UTF-8", "TERM": "xterm-256color"}
NO_GPU = machine.Gpus(error="NVML Shared Library Not Found", library=False)
ONE_GPU = machine.Gpus((("NVIDIA H100", 70_000_000_000, 80_000_000_000),), driver="550.54")


@pytest.fixture
def system(tmp_path: Path) -> Build:
    """A machine whose files are these; a name that ends in a slash is a folder."""

    def of(files: Mapping[str, str] | None = None, **more: Any) -> System:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        for name, text in (files or {}).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("/"):
                path.mkdir(exist_ok=True)
            else:
                path.write_text(text, "utf-8")
        return System(**{"root": root, "user": "ada", "uid": 1000, "environment": UTF8, "terminal": (120, 40), **more})

    return of


# The whole


@pytest.mark.parametrize("terminal", [None, (80, 24)])
def test_a_system_of_which_nothing_can_be_read_is_examined_to_the_end(
    system: Build, tmp_path: Path, terminal: tuple[int, int] | None
) -> None:
    bare = system(user="", environment={}, terminal=terminal)
    checks = list(examine(bare, tmp_path / "runs", tmp_path / "data", with_torch=False))
    names = [check.name for check in checks]
    assert names == [
        *("python", "packages", "gpu", "cores", "memory", "terminal", "locale", "logout"),
        *("runs", "data-dir", "data", "presets"),
    ]
    assert not [check for check in checks if "could not be looked at" in check.found]
    assert not list(tmp_path.glob("runs")), "nothing is made"


def test_a_check_that_stumbles_is_told_and_the_others_go_on(
    system: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError("odd")

    monkeypatch.setattr(machine, "look_for_gpus", stumble)
    monkeypatch.setattr(machine, "cores", stumble)
    checks = {check.name: check for check in examine(system(), tmp_path, tmp_path, with_torch=False)}
    assert checks["gpu"].found == checks["cores"].found == "could not be looked at: ZeroDivisionError: odd"
    assert checks["gpu"].state == "note"
    assert checks["presets"].state == "ok"


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """The command on folders of its own; torch is not asked."""

    class Probe:
        def answer(self) -> tuple[dict[str, Any], str]:
            return {"version": "2.14", "cuda": None, "devices": []}, ""

        def close(self) -> None:
            pass

    monkeypatch.setattr(machine, "TorchProbe", Probe)
    monkeypatch.setattr(machine, "look_for_gpus", lambda: NO_GPU)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "home" / name.lower()))
    monkeypatch.delenv("INITTUI_RUNS_DIR", raising=False)

    def of(*words: str) -> tuple[int, str]:
        code = main(["doctor", *words])
        return code, capsys.readouterr().out

    return of


def test_json_is_a_list_of_objects_and_the_exit_code_tells_of_a_fault(
    call: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    code, out = call("--json")
    checks = json.loads(out)
    assert {frozenset(check) for check in checks} == {frozenset(("name", "state", "found", "mend"))}
    assert code == int(any(check["state"] == "fault" for check in checks))
    assert checks[-1]["name"] == "torch"
    (tmp_path / "file").touch()
    code, out = call("--json", "--runs-dir", str(tmp_path / "file" / "runs"))
    assert code == 1
    (runs,) = [check for check in json.loads(out) if check["name"] == "runs"]
    assert runs["state"] == "fault"
    assert "--runs-dir" in runs["mend"]


def test_lines_for_a_person_fit_and_have_no_escapes(
    call: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out = call("--data-dir", str(tmp_path / "no\x1b[2Jwhere"))
    assert "\x1b" not in out
    lines = out.splitlines()
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 3] == []
    assert all(line[:5].strip() in ("ok", "note", "fault") for line in lines if line[:1].strip() and line != lines[-1])
    assert lines[-1].startswith("no fault" if code == 0 else "1 fault")


def test_bad_folders_are_bad_input(call: Callable[..., tuple[int, str]]) -> None:
    assert call("--data-dir", "~nosuchuser/x") == (2, "")


def test_torch_is_not_loaded_into_this_process() -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from inittui.doctor.examine import examine; from inittui.doctor.check import here;"
        "assert list(examine(here(), Path('/nonexistent'), Path('/nonexistent'), with_torch=False));"
        "sys.exit(bool({'torch', 'textual.app', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


# Layout


def test_a_check_is_aligned_and_its_mend_stands_below() -> None:
    check = Check("runs", "fault", "word " * 20, "mend " * 20)
    plain = render.lines(check, 60, colour=False)
    assert plain[0].startswith("fault runs      word word")
    assert all(line.startswith(" " * 16) for line in plain[1:])
    assert plain[3].startswith(" " * 16 + "-> mend")
    assert max(map(len, plain)) <= 60
    coloured = render.lines(check, 60, colour=True)
    assert coloured[0].startswith("\x1b[1;31mfault \x1b[0mruns")
    assert coloured[1:] == plain[1:]
    assert render.lines(Check("a", "ok", ""), 80, colour=False) == ["ok    a"]


def test_what_was_found_cannot_send_escapes() -> None:
    for line in render.lines(Check("a", "ok", "x\x1b[2Jy", "z\x07"), 80, colour=False):
        assert line.isprintable()


def test_the_closing_line_counts() -> None:
    fault, note, ok = (Check("a", state, "") for state in ("fault", "note", "ok"))
    assert render.closing([ok]) == "no fault"
    assert render.closing([ok, note]) == "no fault, 1 note"
    assert render.closing([fault, fault, note, note]) == "2 faults, 2 notes"


# Packages and torch


def test_packages_that_are_missing_or_too_old_are_faults_with_the_command_that_mends_them() -> None:
    wanted = ["textual>=6.0", "rich>=13.7", "numpy>=1.24", "pytest>=8; extra == 'test'"]
    good = machine.packages(wanted, {"textual": "6.0", "rich": "15.0.0", "numpy": "2.4.6+cpu"})
    assert (good.state, good.found) == ("ok", "textual 6.0, rich 15.0.0, numpy 2.4.6+cpu")
    bad = machine.packages(wanted, {"textual": "5.9.9", "rich": None, "numpy": "1.24"})
    assert bad.state == "fault"
    assert bad.found == "textual 5.9.9, needs 6.0 or newer; rich is missing, needs 13.7 or newer"
    assert bad.mend.endswith("-m pip install 'textual>=6.0' 'rich>=13.7'")


def test_here_everything_is_installed() -> None:
    found = machine.packages()
    assert found.state == "ok"
    assert "textual " in found.found
    assert "pytest" not in found.found


@pytest.mark.parametrize(
    ("answer", "gpus", "state", "words"),
    [
        (None, NO_GPU, "fault", "can't be imported: No module named torch"),
        ({"version": "2", "cuda": None, "devices": []}, NO_GPU, "ok", "uses the CPU"),
        ({"version": "2", "cuda": "13.0", "devices": []}, NO_GPU, "ok", "built for CUDA 13.0, uses the CPU"),
        ({"version": "2", "cuda": "13.0", "devices": ["NVIDIA H100"]}, ONE_GPU, "ok", "uses 1 GPU: NVIDIA H100"),
        ({"version": "2", "cuda": None, "devices": []}, ONE_GPU, "note", "the GPU stays unused"),
        (
            {"version": "2", "cuda": "13.0", "devices": []},
            ONE_GPU,
            "fault",
            "can't use the GPU (No module named torch)",
        ),
    ],
)
def test_torch_and_the_gpu_are_seen_together(
    answer: dict[str, Any] | None, gpus: machine.Gpus, state: str, words: str
) -> None:
    found = machine.torch(answer, "No module named torch", gpus)
    assert found.state == state
    assert words in found.found
    assert (found.state == "ok") == (found.mend == "")


@pytest.mark.slow
def test_torch_answers_from_a_process_of_its_own() -> None:
    probe = machine.TorchProbe()
    answer, _ = probe.answer()
    probe.close()
    assert answer is not None
    assert set(answer) == {"version", "cuda", "devices"}


def test_a_torch_that_does_not_answer_is_told() -> None:
    probe = machine.TorchProbe()
    answer, words = probe.answer(0.0)
    probe.close()
    assert answer is None
    assert "not imported within" in words


# The machine


def test_gpus_are_listed_with_their_memory(system: Build) -> None:
    found = machine.gpu(system(), ONE_GPU)
    assert (found.state, found.found) == ("ok", "cuda:0 NVIDIA H100, 70.0 of 80.0 GB free; driver 550.54")
    full = machine.gpu(system(environment={"CUDA_VISIBLE_DEVICES": "1"}), machine.Gpus((("X", 1, 80_000_000_000),)))
    assert full.state == "note"
    assert "CUDA_VISIBLE_DEVICES=1" in full.found


def test_a_driver_that_fails_is_a_fault_and_a_card_without_one_a_note(system: Build) -> None:
    assert machine.gpu(system(), NO_GPU).state == "ok"
    failing = machine.gpu(system(), machine.Gpus(error="Driver/library version mismatch"))
    assert failing.state == "fault"
    assert "Driver/library version mismatch" in failing.found
    card = "sys/bus/pci/devices/0000:01:00.0"
    sound = {
        "sys/bus/pci/devices/0000:00:01.0/vendor": "0x10de\n",
        "sys/bus/pci/devices/0000:00:01.0/class": "0x040300\n",
    }
    assert machine.gpu(system(sound), NO_GPU).state == "ok", "its sound device is none"
    found = machine.gpu(system({f"{card}/vendor": "0x10de\n", f"{card}/class": "0x030200\n"}), NO_GPU)
    assert found.state == "note"
    assert "0000:01:00.0" in found.found


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "8 cores: on a CPU 8 arms train at a time"),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, "8 cores: on"),
        (
            {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"},
            "quota is 1.5): on",
        ),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "max",
            },
            "quota is 2): on",
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/x\n",
                "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            },
            "quota is 3): on",
        ),
        ({"proc/self/cgroup": "rubbish\n\n1:\n", "sys/fs/cgroup/cpu.max": "\x00"}, "8 cores: on"),
    ],
)
def test_cores_are_shown_with_the_quota(system: Build, files: dict[str, str], words: str) -> None:
    assert words in machine.cores(system(files, cores=8)).found


MEMINFO = "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:   {} kB\n"


def test_memory_is_what_is_free_within_the_limit(system: Build) -> None:
    found = machine.memory(system({"proc/meminfo": MEMINFO.format(8_000_000)}))
    assert (found.state, found.found) == ("ok", "8.2 of 16.4 GB free")
    assert machine.memory(system({"proc/meminfo": MEMINFO.format(1_500_000)})).state == "note"
    found = machine.memory(system({"proc/meminfo": MEMINFO.format(500_000)}))
    assert found.state == "fault"
    assert found.mend


@pytest.mark.parametrize(
    "files",
    [
        {
            "proc/self/cgroup": "0::/job\n",
            "sys/fs/cgroup/job/memory.max": "2000000000\n",
            "sys/fs/cgroup/job/memory.current": "1900000000\n",
            "sys/fs/cgroup/job/memory.stat": "anon 1\ninactive_file 400000000\n",
        },
        {
            "proc/self/cgroup": "7:memory:/job\n",
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "2000000000\n",
            "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "1900000000\n",
            "sys/fs/cgroup/memory/job/memory.stat": "total_inactive_file 400000000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
        },
    ],
)
def test_a_control_groups_limit_counts_and_its_cache_does_not(system: Build, files: dict[str, str]) -> None:
    found = machine.memory(system({"proc/meminfo": MEMINFO.format(8_000_000), **files}))
    assert found.state == "fault"
    assert "0.5 GB free, of the control group's 2.0 GB" in found.found
    assert cgroups.memory(system({"proc/self/cgroup": ""})) is None


# The terminal


@pytest.mark.parametrize(
    ("environment", "size", "state", "words"),
    [
        (UTF8, (80, 24), "ok", "xterm-256color"),
        ({**UTF8, "TMUX": "x", "SSH_TTY": "/dev/pts/1"}, (80, 24), "ok", "xterm-256color, in tmux, over SSH"),
        ({**UTF8, "STY": "x"}, (80, 24), "ok", "in GNU screen"),
        (UTF8, None, "note", "none: lines"),
        ({"TERM": "dumb"}, (80, 24), "note", "TERM=dumb: lines are printed"),
        ({}, (80, 24), "note", "TERM is not set: lines are printed"),
    ],
)
def test_the_terminal_and_what_lies_between(
    system: Build, environment: dict[str, str], size: tuple[int, int] | None, state: str, words: str
) -> None:
    found, *more = screen.screen(system(environment=environment, terminal=size))
    assert found.state == state
    assert words in found.found
    assert [check.name for check in more] == (["colours", "size"] if state == "ok" else [])


def test_a_terminal_over_ssh_has_to_be_asked_for(system: Build) -> None:
    assert "ssh -t" in screen.terminal(system(environment={"SSH_CONNECTION": "x"}, terminal=None)).mend


@pytest.mark.parametrize(
    ("environment", "state", "words"),
    [
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "ok", "24-bit; dark theme"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15"}, "ok", "256 colours; light theme"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15", "INITTUI_THEME": "dark"}, "ok", "dark theme"),
        ({"TERM": "screen", "TMUX": "x"}, "note", "16, by TERM=screen"),
        ({"TERM": "screen", "STY": "x"}, "note", "16, by TERM=screen"),
        ({"TERM": "xterm"}, "note", "16, by TERM=xterm"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "note", "greys alone, since NO_COLOR is set"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "ok", "256 colours"),
    ],
)
def test_colours_are_told_with_what_gives_more(
    system: Build, environment: dict[str, str], state: str, words: str
) -> None:
    found = screen.palette(system(environment=environment))
    assert found.state == state
    assert words in found.found
    assert bool(found.mend) == (state != "ok")


def test_the_smallest_size_is_enough_and_a_smaller_one_a_fault() -> None:
    assert screen.size(40, 10).state == "ok"
    assert screen.size(39, 10).state == screen.size(40, 9).state == "fault"


@pytest.mark.parametrize(
    ("environment", "state", "words"),
    [
        ({"LANG": "de_DE.UTF-8"}, "ok", "LANG=de_DE.UTF-8: blocks"),
        ({"LANG": "C.UTF-8", "LC_ALL": "C"}, "note", "LC_ALL=C is not UTF-8: drawn in ASCII"),
        ({}, "note", "none is set: blocks and Braille"),
        ({"LANG": "C.UTF-8", "TERM": "linux"}, "note", "TERM=linux has no Braille"),
    ],
)
def test_the_locale_and_the_look_that_follows(
    system: Build, environment: dict[str, str], state: str, words: str
) -> None:
    found = screen.locale(system(environment=environment))
    assert found.state == state
    assert words in found.found
    assert bool(found.mend) == (state != "ok")


# Logging out

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
def test_what_logging_out_does_to_a_run(system: Build, files: dict[str, str], state: str, mend: str) -> None:
    found = logout.logout(system(files))
    assert found.state == state, found
    assert mend in found.mend
    assert bool(found.mend) == (state != "ok")


# Folders and data


def test_runs_are_counted_with_what_they_take_and_nothing_is_changed(system: Build, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    assert "not there yet" in folders.runs(folder, system()).found
    assert not folder.exists()
    write_run(folder)
    (folder / "no run").mkdir()
    (folder / "big").write_bytes(bytes(3_000_000))
    before = sorted(folder.rglob("*"))
    found = folders.runs(folder, system({"proc/mounts": "/dev/sda1 / ext4 rw 0 0\n"}))
    assert found.state == "ok"
    assert f"{folder}: 1 run, 3 MB; " in found.found
    assert found.found.endswith("GB free, ext4")
    assert sorted(folder.rglob("*")) == before


def test_a_home_that_is_not_to_be_written_to_is_a_fault_for_runs_and_a_note_for_data(
    system: Build, tmp_path: Path
) -> None:
    for folder in (tmp_path, tmp_path / "not" / "yet"):
        found = folders.runs(folder, system(), lambda _path: False)
        assert found.state == "fault"
        assert "not yours to write to" in found.found
        assert "--runs-dir" in found.mend
        found = folders.data_folder(folder, system(), lambda _path: False)
        assert found.state == "note"
        assert "--data-dir" in found.mend


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_permission_is_seen(system: Build, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert folders.runs(tmp_path / "runs", system()).state == "fault"
    tmp_path.chmod(0o700)


def test_a_folder_below_a_file_is_a_fault(system: Build, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = folders.runs(tmp_path / "file" / "runs", system())
    assert found.state == "fault"
    assert f"{tmp_path / 'file'} is no folder" in found.found


@pytest.mark.parametrize("kind", ["nfs4", "nfs", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_noted(system: Build, tmp_path: Path, kind: str) -> None:
    mounts = f"/dev/sda1 / ext4 rw 0 0\nbox:/x {tmp_path} {kind} rw 0 0\nproc /proc proc\nshort\n"
    found = folders.runs(tmp_path / "runs", system({"proc/mounts": mounts}))
    assert found.state == "note"
    assert found.found.endswith(kind)
    assert "local disk" in found.mend


def test_a_mount_point_with_a_space_is_understood(system: Build, tmp_path: Path) -> None:
    folder = tmp_path / "my runs"
    folder.mkdir()
    mounts = f"/dev/sda1 / ext4 rw 0 0\n/dev/sdb {tmp_path}/my\\040runs xfs rw 0 0\n"
    assert folders.room(folder, system({"proc/mounts": mounts})).kind == "xfs"


def test_little_room_is_noted_and_no_room_a_fault(
    system: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs(tmp_path)

    def of(free_bytes: float, inodes: int = 1000) -> str:
        fields = list(real)
        fields[1], fields[4], fields[5], fields[7] = 1, int(free_bytes), 1000, inodes
        monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(fields))
        return folders.runs(tmp_path, system()).state

    assert of(2e9) == "ok"
    assert of(5e8) == "note"
    assert of(1e6) == "fault"
    assert of(2e9, inodes=0) == "fault"


def test_absent_data_sets_are_one_line_and_damaged_ones_a_fault_each(tmp_path: Path) -> None:
    (absent,) = folders.data(tmp_path / "nowhere")
    assert absent.state == "note"
    assert all(files.title in absent.found for files in DATASETS.values() if files.files)
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").touch()
    damaged, absent = folders.data(tmp_path)
    assert damaged.state == "fault"
    assert "0 bytes, expected 47,040,016" in damaged.found
    assert "delete it" in damaged.mend
    assert absent.state == "ok"
    assert "no Fashion-MNIST, no KMNIST" in absent.found


def test_sound_data_are_told_with_their_size(mnist_dir: Path) -> None:
    found = folders.data(mnist_dir)[0]
    assert found.state == "ok"
    assert "60,000 and 10,000 images" in found.found


def test_presets_that_cannot_be_run_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert "none of yours" in folders.presets().found
    own = tmp_path / "inittui" / "presets"
    own.mkdir(parents=True)
    (own / "good.toml").write_text('[[arms]]\ninit = "he_normal"\n', "utf-8")
    found = folders.presets()
    assert found.state == "ok"
    assert f"1 of yours in {own}" in found.found
    (own / "bad.toml").write_text("titel = 1\n", "utf-8")
    found = folders.presets()
    assert found.state == "note"
    assert found.found.endswith("can't be run: bad")
    assert found.mend == "inittui --preset bad says why"
