"""A scheme of a person's own, from a file outside the package, through a whole run."""

SCHEME = """
def small(weight, bias, *, name, fan_in, fan_out, generator):
    weight.normal_(0, fan_in**-0.5, generator=generator)

def broken(weight, bias, *, name, fan_in, fan_out, generator):
    return weight / fan_in
"""


def test_an_own_scheme_trains_beside_the_others_and_a_broken_one_fails_alone(inittui, tmp_path):
    path = tmp_path / "my_scheme.py"
    path.write_text(SCHEME)
    arms = ("--arm", f"{path}:small", "--arm", "lecun_normal", "--arm", f"{path}:broken", "--arm", "lsuv")
    done = inittui("--preset", "digits", "--epochs", "2", *arms, "--plain")
    assert done.returncode == 1
    small, lecun, broken, lsuv = inittui.run_dir().result().arms
    assert (small.name, small.init.name) == ("small", f"{path}:small")
    # The same draws, scaled alike: it is LeCun's scheme, to the last digit.
    assert small.replicas[0].train_cost == lecun.replicas[0].train_cost
    assert (small.status, lsuv.status, broken.status) == ("finished", "finished", "failed")
    assert broken.reason.startswith(f"own scheme '{path}:broken': at layer '0' it left a weight that is not finite")
    log = inittui.run_dir().arm("broken") / "worker.log"
    assert "Traceback" in log.read_text()
    path.unlink()  # what is left of the run needs it no more
    for words in (("report", "last"), ("report", "last", "--format", "svg")):
        done = inittui(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert "small" in done.stdout
