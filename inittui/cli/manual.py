"""What `--help` says beside the options: of each command what it does, examples, exit codes. Nothing but words."""

RUN = "RUN is a name, an unambiguous beginning of one, a path, or 'last'."
RUN_CODES = "0 finished, 1 an arm failed, 2 bad input, 130 interrupted"
DONE_CODES = "0 done, 2 bad input"


class Page:  # neither a NamedTuple nor a dataclass: what those import, `inittui --help` would wait for
    """A command. `brief` is its line in the list; `examples` are what to type and what that does."""

    def __init__(self, usage: str, brief: str, about: str, examples: tuple[tuple[str, str], ...], codes: str) -> None:
        self.usage, self.brief, self.about, self.examples, self.codes = usage, brief, about, examples, codes


PAGES = {
    "attach": Page(
        "attach [RUN]",
        "watch a run that is going on (the newest one)",
        "Watch a run that is going on, with its whole history; one that has ended is shown as it ended. Leaving does not "
        f"stop it. {RUN}",
        (
            ("inittui attach", "the newest run that is alive"),
            ("inittui attach deep5 --plain", "one line an epoch and arm, and no dashboard"),
        ),
        f"{RUN_CODES}; 0 when you leave a run that goes on",
    ),
    "compare": Page(
        "compare RUN RUN...",
        "compare the arms of several runs, seed by seed: --format, --baseline ARM, --all-pairs",
        "Compare the arms of two or more runs, as those of one run are compared: by final test accuracy, paired by seed "
        "where two arms share seeds. Refused where the images differ, since such accuracies can't be compared. An arm's "
        f"name that several runs have gets its run's name: ARM@RUN. {RUN}",
        (
            ("inittui compare deep5-2026 deep5-2027", "every arm against the first run's first"),
            ("inittui compare A B --baseline he_normal@B", "against another arm"),
            ("inittui compare A B C --all-pairs --format md", "for a pull request"),
        ),
        DONE_CODES,
    ),
    "runs": Page(
        "runs",
        "list the runs: state, accuracy, age, size; --json",
        "List the runs, the newest first: state, accuracy, age, size.",
        (
            ("inittui runs", "a table"),
            ("inittui runs --json | jq '.[] | select(.alive).name'", "the names of those that are alive"),
        ),
        DONE_CODES,
    ),
    "pause": Page(
        "pause RUN",
        "hold a run, or one arm of it (--arm); it keeps its place and uses no device time",
        f"Hold a run, or one arm of it. It saves a checkpoint, keeps its place and uses no device time. {RUN}",
        (("inittui pause last", "all of it"), ("inittui pause last --arm he_normal", "one arm; the others train on")),
        DONE_CODES,
    ),
    "resume": Page(
        "resume RUN",
        "go on: paused, stopped, killed or after a reboot, from the last checkpoint",
        "Let a run go on, paused, stopped, killed or after a reboot, from its last checkpoint, and watch it. "
        "On a CPU with the same torch and number of threads the result is the same, bit for bit, as if it had never "
        f"stopped; it says whether that holds. {RUN}",
        (
            ("inittui resume last", "go on and watch"),
            ("inittui resume last --detach", "go on, print the name, return"),
            ("inittui resume last --device cuda:1", "on another device"),
            ("inittui resume last --on ray", "on Ray's nodes; --on here: back on this machine"),
        ),
        RUN_CODES,
    ),
    "stop": Page(
        "stop RUN",
        "stop a run, or one arm of it (--arm); what it has so far is kept",
        f"Stop a run, or one arm of it. What it has so far is kept, result.json and checkpoints included. {RUN}",
        (
            ("inittui stop last", "all of it, and wait until it has stopped"),
            ("inittui stop last --arm zeros", "one arm"),
        ),
        DONE_CODES,
    ),
    "delete": Page(
        "delete RUN...",
        "delete runs, after a question; never one that is alive",
        f"Delete runs, after a question. Never one that is alive. {RUN}",
        (
            ("inittui delete digits-20260101", "one"),
            ("inittui delete --yes digits-1 digits-2", "two, without a question"),
        ),
        "0 deleted, 1 you said no, 2 bad input",
    ),
    "replay": Page(
        "replay RUN",
        "show a finished run again, as it went",
        f"Show a finished run again in the dashboard, as it went. {RUN}",
        (("inittui replay last", "in about 20 seconds"), ("inittui replay last --speed 1", "as fast as it went")),
        DONE_CODES,
    ),
    "report": Page(
        "report RUN",
        "its table: --format table|md|csv|json|svg; --each-seed, --baseline ARM, --all-pairs",
        "Print a run's accuracy table with its verdicts, or the dashboard as SVG, to standard output. A run that has not "
        f"ended is reported as far as it has come. {RUN}",
        (
            ("inittui report last", "a table"),
            ("inittui report last --format md | gh pr comment -F -", "in a pull request"),
            ("inittui report last --baseline he_normal", "everything against that arm"),
            ("inittui report last --format svg > screen.svg", "the dashboard"),
        ),
        DONE_CODES,
    ),
    "export": Page(
        "export RUN",
        "its figures as files: --to FILE (csv, parquet, md, svg, png, pdf), --tensorboard DIR, --wandb DIR",
        "Write a run's figures where other programs read them. It may still be training. A kind of file that needs a "
        f"library which is not installed says so, with the command that installs it. {RUN}",
        (
            ("inittui export last --to run.csv --to run.parquet", "a row an arm, seed and epoch"),
            ("inittui export last --to figure.pdf --figure cost", "one figure for a paper"),
            ("inittui export last --tensorboard ~/tb --follow", "curves, until the run has ended"),
            ("inittui export last --wandb ~/wb", "offline runs for Weights & Biases"),
        ),
        DONE_CODES,
    ),
    "serve": Page(
        "serve [RUN]",
        "the dashboard in a browser, on 127.0.0.1 alone, for ssh -L: --port",
        "Show the dashboard in a browser. Listens on 127.0.0.1 alone, and asks for the token in the address that it "
        "prints; for another machine it prints the ssh -L line to type there. Closing the page leaves training alone. "
        f"{RUN}",
        (("inittui serve", "the newest run that is alive"), ("inittui serve last --port 8080", "on another port")),
        "0 after Ctrl-C, 2 bad input (a port in use among it)",
    ),
    "presets": Page(
        "presets [NAME]",
        "list the presets with what each shows, or print one",
        "List the presets with what each shows, or print one, as a start for your own.",
        (("inittui presets", "the list"), ("inittui presets deep5 > mine.toml", "a copy to change")),
        DONE_CODES,
    ),
    "new": Page(
        "new NAME|FILE",
        "write a preset of your own to start from, with every key explained",
        "Write a preset of your own to start from: it runs as it is, and every key is explained in it. A NAME goes into your "
        "folder of presets, where it needs no path; a FILE (with a slash, or ending in .toml) goes where you say. Nothing "
        "is overwritten.",
        (
            ("inittui new mine", "then: inittui --preset mine"),
            ("inittui new ./mine.toml", "here; then: inittui --preset ./mine.toml"),
        ),
        DONE_CODES,
    ),
    "schemes": Page(
        "schemes [NAME]",
        "list the initialisation schemes, or explain one",
        "List the initialisation schemes, or explain one: formula, biases, paper, its names elsewhere, its traps.",
        (
            ("inittui schemes", "the list"),
            ("inittui schemes he_normal", "one"),
            ("inittui schemes 'normal(std=0.1)'", ""),
        ),
        DONE_CODES,
    ),
    "completion": Page(
        "completion SHELL",
        "what makes bash, zsh or fish complete commands, options, runs, presets and schemes",
        "Print what makes your shell complete commands, options, runs, presets and schemes. Put it where the shell looks "
        "for it; the names of runs and presets are asked for when you press Tab.",
        (
            ("inittui completion bash > ~/.local/share/bash-completion/completions/inittui", ""),
            ("inittui completion zsh > ~/.zfunc/_inittui", "with fpath+=~/.zfunc before compinit in ~/.zshrc"),
            ("inittui completion fish > ~/.config/fish/completions/inittui.fish", ""),
        ),
        DONE_CODES,
    ),
    "doctor": Page(
        "doctor",
        "what it found here (device, terminal, locale, data, folders), a mend for each fault",
        "What inittui found here (device, memory, terminal, locale, data, folders, whether training outlives your logout), "
        "and what to do about each fault.",
        (("inittui doctor", "in words"), ("inittui doctor --json | jq '.[] | select(.state != \"ok\")'", "the faults")),
        "0 all is well, 1 there is a fault, 2 bad input",
    ),
}

MAIN = (
    "Which weight initialisation, why, and is the difference real? Trains the same network once per\n"
    "scheme, side by side, and shows the costs live."
)
MAIN_EXAMPLES = (
    ("inittui", "Xavier against He on MNIST, 15 epochs"),
    ("inittui --preset digits", "seconds, on any machine, no download"),
    ("inittui --preset deep5 --seeds 10", "ten seeds an arm, and a verdict"),
    ("inittui --arm he_normal --arm 'normal(std=0.01)' --set 'model.hidden=[256,256]'", ""),
    ("inittui --preset digits --sweep model.depth=3,10,30", "each arm at three depths"),
    ("inittui --preset deep20 --on ray", "arms on Ray's nodes: docs/ray.md"),
    ("inittui --preset digits --json | jq .arms", "the result alone, for a program"),
)


def main_epilog() -> str:
    """What stands below the options of `inittui --help`."""
    width = max(len(page.usage) for page in PAGES.values()) + 2
    listed = [f"  {page.usage:<{width}}{page.brief}" for page in PAGES.values()]
    return "\n".join(
        ["commands ('inittui COMMAND --help' tells more):", *listed, "", RUN, "", *_closing(MAIN_EXAMPLES, RUN_CODES)]
    )


def epilog(name: str) -> str:
    """What stands below the options of a command."""
    page = PAGES[name]
    return "\n".join(_closing(page.examples, page.codes))


def _closing(examples: tuple[tuple[str, str], ...], codes: str) -> list[str]:
    typed = max((len(words) for words, does in examples if does and len(words) <= 56), default=0) + 2
    lines = [f"  {words:<{typed}}{'  ' if len(words) > typed else ''}{does}".rstrip() for words, does in examples]
    return ["examples:", *lines, "", f"exit codes: {codes}"]
