"""`inittui report`."""

import json
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from inittui.record import gallery
from tests.galleries import canned_gallery
from tests.helpers import canned_events, empty_run, preset, write_events, write_run
from tests.unit.cli.conftest import Call

pytestmark = pytest.mark.usefixtures("nothing_starts")


def test_a_report_is_printed_in_each_format(call: Call, runs_dir: Path) -> None:
    run = write_run(runs_dir, preset(2, seeds=2))
    for form, words in (("table", "* the highest"), ("md", "|---|---:|"), ("csv", "run,arm,init,changes,status,seed")):
        code, out, err = call("report", run.name, "--format", form)
        assert (code, err) == (0, "")
        assert words in out
    code, out, _ = call("report", "last", "--format", "json")
    document = json.loads(out)
    confusion = document.pop("confusion")
    assert (code, document) == (0, json.loads(msgspec.json.encode(run.result())))
    assert list(confusion) == ["xavier_normal", "he_normal"]


def test_a_report_has_the_confusions_of_every_arm(call: Call, runs_dir: Path) -> None:
    run = write_run(runs_dir, preset(2, seeds=2))
    gallery.write(run, canned_gallery(preset(2), seeds=2))
    confusion = json.loads(call("report", "last", "--format", "json")[1])["confusion"]
    assert confusion["he_normal"]["seeds"] == 2
    assert sum(map(sum, confusion["he_normal"]["counts"])) == 24


def test_a_report_of_many_classes_has_the_most_frequent_mistakes(call: Call, runs_dir: Path) -> None:
    run = write_run(runs_dir, preset(2))
    known = gallery.Confusions(answers=9, right=8, frequent=((3, 5, 1, 9),), kinds=1)
    gallery.write(run, replace(canned_gallery(preset(2)), confusion=(), confusions=(known, known)))
    confusion = json.loads(call("report", "last", "--format", "json")[1])["confusion"]
    mistakes = {"answers": 9, "right": 8, "frequent": [[3, 5, 1, 9]], "kinds": 1}
    assert confusion["he_normal"] == {"seeds": 1, "at_chance_left_out": 0, "mistakes": mistakes}


def test_a_report_has_each_seed_another_baseline_and_all_pairs_on_request(call: Call, runs_dir: Path) -> None:
    write_run(runs_dir, preset(3, seeds=8))
    table = call("report", "last")[1]
    assert " 778 " not in table
    assert "All against xavier_normal; p corrected for 2" in table
    assert " 778 " in call("report", "last", "--each-seed")[1]
    assert "All against he_normal; p corrected for 2" in call("report", "last", "--baseline", "he_normal")[1]
    assert "All pairs of 3 arms; p corrected for 3" in call("report", "last", "--all-pairs", "--format", "md")[1]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--baseline", "he_norma"), "--baseline he_norma: no such arm. Did you mean 'he_normal'?"),
        (("--baseline", "he_normal", "--all-pairs"), "--baseline and --all-pairs: expected one of the two"),
        (("--format", "svg", "--each-seed"), "--each-seed: the dashboard shows the run's own comparisons"),
    ],
)
def test_a_report_that_can_t_be_is_refused(call: Call, runs_dir: Path, words: tuple[str, ...], fault: str) -> None:
    write_run(runs_dir)
    code, out, err = call("report", "last", *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"inittui: {fault}")


def test_a_run_without_result_is_reported_from_its_logs(call: Call, runs_dir: Path) -> None:
    run = empty_run(runs_dir)
    write_events(run, canned_events(preset(), until=2.0))
    code, out, err = call("report", run.name)
    assert code == 0
    assert "xavier_normal" in out
    assert err == "no result.json yet (the run is interrupted): this is what its logs hold\n"


def test_a_damaged_result_is_refused_and_kept(call: Call, runs_dir: Path) -> None:
    run = write_run(runs_dir)
    (run.path / "result.json").write_bytes(b"{")
    code, out, err = call("report", run.name)
    assert (code, out) == (2, "")
    assert err.startswith(f"inittui: run '{run.name}': result.json can't be read")
    assert (run.path / "result.json").read_bytes() == b"{"
