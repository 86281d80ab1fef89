"""Whether systemd would end a run when the user logs out."""

import re

from inittui.doctor import cgroups
from inittui.doctor.check import Check, System

# In the order of precedence, for the main file and for drop-ins of the same name.
_FOLDERS = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd", "lib/systemd")
_SCOPE = "systemd-run --user --scope inittui"


def logout(system: System) -> Check:
    """With KillUserProcesses=yes logind ends the processes of a session with it. The user's own systemd manager ends with the
    last session, and with it every process in it, unless the user lingers."""
    if not (system.root / "run/systemd/system").is_dir():
        return Check("logout", "ok", "no systemd here: nothing ends a run at logout")
    settings = _settings(system)
    kills = settings.get("KillUserProcesses", "no").lower() in ("yes", "true", "on", "1", "y", "t")
    kills = kills and _concerns(settings, system.user)
    managed = f"/user@{system.uid}.service/" in cgroups.own(system)
    lingers = (system.root / "var/lib/systemd/linger" / system.user).exists() if system.user else False
    linger = f"loginctl enable-linger {system.user}".rstrip()
    if managed and lingers:
        return Check("logout", "ok", "runs in your own systemd manager, which lingers: a run goes on")
    if managed:
        finding = "your systemd manager ends with your last session, and ends a run that it started"
        return Check("logout", "fault", finding, f"once: {linger}")
    if not kills:
        return Check("logout", "ok", "a run goes on (KillUserProcesses=no)")
    steps = f"start it with: {_SCOPE}" if lingers else f"once: {linger}; then start it with: {_SCOPE}"
    return Check("logout", "fault", "KillUserProcesses=yes: logind would end a run with your session", steps)


def _settings(system: System) -> dict[str, str]:
    main = next((text for folder in _FOLDERS if (text := system.read(f"{folder}/logind.conf"))), "")
    # The commented-out values are those that were compiled in; distributions differ.
    settings = _pairs(main.replace("\n#", "\n")) | _pairs(main)
    drop_ins: dict[str, str] = {}
    for folder in _FOLDERS:
        for path in (system.root / folder / "logind.conf.d").glob("*.conf"):
            drop_ins.setdefault(path.name, f"{folder}/logind.conf.d/{path.name}")
    for _, path_below_root in sorted(drop_ins.items()):
        settings |= _pairs(system.read(path_below_root))
    return settings


def _pairs(text: str) -> dict[str, str]:
    return dict(re.findall(r"^[ \t]*(\w+)[ \t]*=[ \t]*(.*?)\s*$", text, re.MULTILINE))


def _concerns(settings: dict[str, str], user: str) -> bool:
    only = settings.get("KillOnlyUsers", "").split()
    return (not only or user in only) and user not in (settings.get("KillExcludeUsers") or "root").split()
