"""inittui from Python: in scripts of their own, as people write them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from inittui.board.follower import Follower
from inittui.record import run_index

from .conftest import PATIENCE, until

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def example() -> str:
    """The documentation's Python example, word for word."""
    _, _, rest = PAGE.read_text("utf-8").partition("<!-- python -->\n```python\n")
    code, end, _ = rest.partition("\n```\n")
    assert end
    return code


def python(inittui, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=inittui.environment, timeout=PATIENCE
    )


@pytest.mark.slow
def test_the_documented_example(inittui):
    done = python(inittui, example())
    assert done.returncode == 0, done.stderr
    assert inittui.run_dir().name in done.stdout
    assert "Indicative only" in done.stdout
    assert "xavier_normal" in done.stderr  # the bars
    assert "100%" in done.stderr
    document = inittui.run_dir().result()
    assert [len(arm.replicas) for arm in document.arms] == [3, 3]


@pytest.mark.slow
def test_it_gives_the_very_numbers_of_the_command_line_and_rows_and_keys_count(inittui):
    done = python(
        inittui,
        "import inittui, json\n"
        "rows = ['he_normal', {'init': 'zeros', 'name': 'z', 'model': {'activation': 'tanh'}}]\n"
        "result = inittui.compare(rows, preset='digits', epochs=2, seeds=[5], set={'model.hidden': [8]}, progress=False)\n"
        "print(json.dumps(result.document['arms']))",
    )
    assert (done.returncode, done.stderr) == (0, "")
    ours = json.loads(done.stdout)
    assert [arm["changes"] for arm in ours] == [[], ['model.activation = "tanh"']]
    theirs = inittui.result(
        "--preset", "digits", "--epochs", "2", "--seed", "5", "--arm", "he_normal", "--set", "model.hidden=[8]"
    )
    assert ours[0]["replicas"][0]["train_cost"] == theirs["arms"][0]["replicas"][0]["train_cost"]


@pytest.mark.slow
def test_what_only_the_engine_sees_is_raised_and_leaves_no_run(inittui, tmp_path):
    (tmp_path / "mine.py").write_text("def data():\n    raise RuntimeError('not today')\n", "utf-8")
    done = python(
        inittui, f"import inittui; inittui.compare('he_normal', set={{'data.factory': '{tmp_path}/mine.py:data'}})"
    )
    assert done.returncode == 1
    assert "not today" in done.stderr.splitlines()[-1]
    assert run_index.runs(inittui.runs_dir) == []


@pytest.mark.slow
def test_ctrl_c_stops_the_run_and_says_how_to_go_on(inittui):
    script = subprocess.Popen(
        [sys.executable, "-c", "import inittui; inittui.compare(preset='digits', epochs=5000); print('never')"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=inittui.environment,
    )
    until(lambda: bool(run_index.runs(inittui.runs_dir)), "the run")
    run = inittui.run_dir()
    until(lambda: any(arm.epochs_done for arm in Follower(run).poll().arms), "an epoch")
    script.send_signal(signal.SIGINT)
    out, err = script.communicate(timeout=PATIENCE)
    assert script.returncode not in (0, 1) or "KeyboardInterrupt" in err
    assert out == ""
    assert f"'inittui resume {run.name}' continues it" in err
    assert run.result().status == "stopped"
    assert not run.alive()


@pytest.mark.slow
def test_a_notebook_shows_bars_and_the_table(inittui, tmp_path):
    cell = nbformat.v4.new_code_cell("import inittui\ninittui.compare(['he_normal'], preset='digits', epochs=3)")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(
        notebook, timeout=PATIENCE, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute(env=inittui.environment)
    kinds = [output.output_type for output in cell.outputs]
    assert kinds == ["display_data", "execute_result"], cell.outputs
    bars, table = cell.outputs
    assert "he_normal" in bars.data["text/html"]
    assert "100%" in bars.data["text/html"]
    assert "<td>he_normal</td>" in table.data["text/html"]
