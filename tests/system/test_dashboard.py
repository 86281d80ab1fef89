"""The real dashboard in a real pty."""

import os
import signal

import pytest

from inittui.record.run_index import runs

from .conftest import until

LONG = ["--preset", "digits", "--epochs", "5000"]


def test_a_whole_run_up_to_the_table_and_the_sample(terminal, runs_dir):
    screen = terminal(["--preset", "digits", "--epochs", "5"])
    screen.wait_for_text("xavier_normal", "he_normal", "zeros", "training cost per epoch", "leave")
    screen.wait_for_text("training", "epoch")
    text = screen.wait_for_text("finished in", "label", "★", "on one seed, which proves", "zeros does not learn")
    assert "final cost" in text
    assert "test cost" in text
    screen.press("d")
    screen.wait_for_text("disagreement 1 of")
    screen.press("m")
    screen.wait_for_text("mistake 1 of")
    screen.press("?")
    screen.wait_for_text("help: Esc closes")
    screen.press("\x1b")
    screen.wait_for(lambda text: "help: Esc" not in text, "closed help")
    screen.press("q")
    assert screen.end() == 0
    after = screen.raw[screen.raw.rfind(b"\x1b[?1049l") :].decode()
    assert "test accuracy" in after, "the table stays in the terminal when the dashboard has gone"
    assert runs(runs_dir)[0].result().status == "finished"


@pytest.mark.parametrize(("columns", "rows"), [(60, 20), pytest.param(80, 24, marks=pytest.mark.slow)])
def test_small_terminals_end_with_table_and_sample(terminal, columns, rows):
    screen = terminal(["--preset", "digits", "--epochs", "3"], columns=columns, rows=rows)
    screen.wait_for_text("finished in", "accuracy", "he_normal", "label", "random image 1")
    screen.press("q")
    assert screen.end() == 0


def test_leaving_asks_and_training_goes_on(terminal, runs_dir):
    screen = terminal(LONG)
    screen.wait_for_text("epoch", "cost 0")
    screen.press("q")
    screen.wait_for_text("training is under way")
    screen.press("k")
    assert screen.end() == 0
    (run,) = runs(runs_dir)
    assert run.alive()
    again = terminal(["attach"])
    again.wait_for_text("training", "xavier_normal", "cost 0")
    again.press("q")
    again.wait_for_text("training is under way")
    again.press("s")
    assert again.end() == 130
    assert run.result().status == "stopped"
    until(lambda: not run.alive(), "the supervisor's end")


@pytest.mark.parametrize("how", ["hang up", "SIGTERM", "SIGTERM while nobody reads"])
def test_a_lost_terminal_ends_the_viewer_and_not_the_run(terminal, runs_dir, how):
    screen = terminal(LONG)
    screen.wait_for_text("training", "xavier_normal")
    if how == "hang up":
        screen.hang_up()
    elif how == "SIGTERM":
        os.kill(screen.child.pid, signal.SIGTERM)
        assert screen.end() == 128 + signal.SIGTERM
        assert b"\x1b[?1049l" in screen.raw, "the alternate screen is left"
    else:
        os.kill(screen.child.pid, signal.SIGTERM)  # and no read from here on
    until(lambda: not screen.child.isalive(), "the viewer's end")
    (run,) = runs(runs_dir)
    assert run.alive()


def test_data_that_cannot_be_had_ends_the_dashboard_with_one_line(terminal, runs_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # no network, whatever the machine has
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    screen = terminal(["--data", "kmnist", "--data-dir", str(tmp_path)], columns=200)
    assert screen.end() == 2
    assert "inittui: KMNIST could not be downloaded" in screen.text
    assert not list(runs_dir.iterdir())


@pytest.mark.slow
def test_a_replay_ends_like_the_run(terminal, inittui):
    inittui.result("--preset", "digits", "--epochs", "3")
    screen = terminal(["replay", "last", "--speed", "0.1"])
    screen.wait_for_text("replay x0.1", "pause")
    screen.press("\x1b[F")  # End
    screen.wait_for_text("finished in", "★", "label")
    screen.press("q")
    assert screen.end() == 0
