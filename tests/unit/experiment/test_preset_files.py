"""Preset files, and what the command line overrides in them."""

import tomllib
from pathlib import Path

import pytest

from inittui.common.errors import InittuiError, PresetError, UsageError
from inittui.experiment.overrides import Overrides
from inittui.experiment.preset_files import DEFAULT, known, load, locate, shipped_dir, user_dir
from inittui.schemes.spec import Init


@pytest.fixture(autouse=True)
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without presets of his own, whoever runs the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "config"


def refusal(word: str, overrides: Overrides | None = None) -> str:
    with pytest.raises(InittuiError) as caught:
        load(word, overrides)
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text('[training]\nepochs = 4\nseeds = [5, 6]\n[[arms]]\ninit = "zeros"\n', "utf-8")
    return path


def test_a_title_fits_whatever_the_data_are() -> None:
    titles = [load(path.stem).title for path in shipped_dir().glob("*.toml")]
    assert not [title for title in titles if "MNIST" in title]
    assert load("digits", Overrides(data="mnist")).title == "Small digits, embedded: Xavier, He and zeros (changed)"


@pytest.mark.parametrize("path", sorted(shipped_dir().glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_preset_loads_and_says_what_it_shows(path: Path) -> None:
    preset = load(path.stem)
    assert preset.name == path.stem
    assert preset.shows
    head = [line.removeprefix("#").strip() for line in path.read_text("utf-8").splitlines() if line.startswith("#")]
    assert ("inittui" if path.stem == DEFAULT else f"inittui --preset {path.stem}") in head
    assert any(line.startswith("Shows:") for line in head)


def test_the_default_leads_the_list() -> None:
    assert next(iter(known())) == DEFAULT
    assert {"mnist3", "notebook", "digits"} <= set(known())


def test_a_users_preset_hides_the_shipped_one_of_its_name(config_home: Path) -> None:
    own = config_home / "inittui" / "presets"
    own.mkdir(parents=True)
    assert user_dir() == own
    (own / "digits.toml").write_text('title = "My digits"\n', "utf-8")
    (own / "other.toml").write_text('title = "Other"\n', "utf-8")
    assert load("digits").title == "My digits"
    assert load("other").title == "Other"
    assert load("mnist3").title != "mnist3"
    assert set(known()) == {path.stem for path in shipped_dir().glob("*.toml")} | {"other"}


def test_a_file_is_loaded_by_its_path_and_named_by_its_stem(file: Path) -> None:
    preset = load(str(file))
    assert (preset.name, preset.training.epochs) == ("mine", 4)


@pytest.mark.parametrize(
    ("typed", "section", "key", "value"),
    [
        ("training.epochs=3", "training", "epochs", 3),
        ("training.epochs = 3 ", "training", "epochs", 3),
        ("training.learning_rate=1e-2", "training", "learning_rate", 0.01),
        ("training.optimizer=sgd", "training", "optimizer", "sgd"),
        ('training.optimizer="sgd"', "training", "optimizer", "sgd"),
        ("model.hidden=[64, 32]", "model", "hidden", (64, 32)),
        ("model.hidden=[]", "model", "hidden", ()),
        ("data.scale_test=false", "data", "scale_test", False),
        ("training.seeds=[9,8]", "training", "seeds", (9, 8)),
    ],
)
def test_set_takes_toml_values_and_bare_words(typed: str, section: str, key: str, value: object) -> None:
    assert getattr(getattr(load(DEFAULT, Overrides(set=[typed])), section), key) == value


def test_set_takes_a_bare_text_with_an_equals_sign() -> None:
    assert load(DEFAULT, Overrides(set=["title=a = b"])).title == "a = b"


def test_of_two_settings_the_last_holds_and_options_come_after_them() -> None:
    overrides = Overrides(set=["training.epochs=3", "training.epochs=4"])
    assert load(DEFAULT, overrides).training.epochs == 4
    assert load(DEFAULT, Overrides(set=["training.epochs=3"], epochs="5")).training.epochs == 5


@pytest.mark.parametrize("typed", ["training.epochs", "=3", ""])
def test_a_setting_without_key_or_value_is_refused(typed: str) -> None:
    assert "expected KEY=VALUE, as in --set training.epochs=3" in refusal(DEFAULT, Overrides(set=[typed]))


def test_a_setting_below_a_value_is_refused() -> None:
    assert "'title' holds no keys" in refusal(DEFAULT, Overrides(set=["title.x=3"]))


@pytest.mark.parametrize(
    ("overrides", "seeds"),
    [
        (Overrides(seeds="3"), (5, 6, 7)),
        (Overrides(seeds="1"), (5,)),
        (Overrides(seeds="1,2,3"), (1, 2, 3)),
        (Overrides(seeds="9, 4"), (9, 4)),
        (Overrides(seed="11"), (11,)),
        (Overrides(), (5, 6)),
        (Overrides(set=["training.seeds=[40]"], seeds="2"), (40, 41)),
    ],
)
def test_seeds_are_a_number_from_the_presets_first_on_or_a_list(
    file: Path, overrides: Overrides, seeds: tuple[int, ...]
) -> None:
    assert load(str(file), overrides).training.seeds == seeds


def test_seeds_counted_past_the_largest_are_still_different_and_valid() -> None:
    seeds = load(DEFAULT, Overrides(set=[f"training.seeds=[{2**63 - 2}]"], seeds="4")).training.seeds
    assert seeds == (2**63 - 2, 2**63 - 1, 0, 1)


@pytest.mark.parametrize("typed", ["0", "-1", "1.5", "many", "10001", ""])
def test_an_impossible_number_of_seeds_is_refused(typed: str) -> None:
    assert f"--seeds {typed}: expected how many (1 to 10000), or a list" in refusal(DEFAULT, Overrides(seeds=typed))


def test_seed_and_seeds_together_are_refused() -> None:
    assert "--seed and --seeds: expected one of the two" in refusal(DEFAULT, Overrides(seed="1", seeds="3"))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (Overrides(epochs="0"), "--epochs: training.epochs = 0: expected a whole number from 1"),
        (Overrides(epochs="ten"), '--epochs: training.epochs = "ten"'),
        (Overrides(epochs="9" * 100), "--epochs: training.epochs = 999"),
        (Overrides(seed="abc"), '--seed: training.seeds = ["abc"]'),
        (Overrides(seeds="1,b"), '--seeds: training.seeds = [1,"b"]'),
        (Overrides(seeds="1,1"), "--seeds: training.seeds = [1,1]: expected different seeds"),
        (Overrides(data="mnits"), "--data: data.name"),
        (Overrides(set=["model.hidden=5"]), "--set model.hidden: model.hidden = 5"),
        (
            Overrides(set=["training.epoch=5"]),
            "--set training.epoch: training.epoch: no such key. Did you mean 'epochs'?",
        ),
        (Overrides(arms=["he_norml"]), "--arm: arms[1].init: no scheme 'he_norml'"),
        (Overrides(arms=["zeros", "zeros"]), "--arm: arms[2].name"),
    ],
)
def test_a_fault_from_the_command_line_names_its_option(overrides: Overrides, words: str) -> None:
    assert words in refusal(DEFAULT, overrides)


def test_a_fault_of_the_file_does_not_name_an_option_whose_key_begins_alike(file: Path) -> None:
    file.write_text("[training]\nepochs = 0\n", "utf-8")
    lines = [line.strip() for line in refusal(str(file), Overrides(set=["training.epoch=5"])).split("\n")]
    assert any(line.startswith("training.epochs = 0: expected") for line in lines)


def test_an_option_that_meets_a_setting_of_the_wrong_kind_is_called_by_its_name() -> None:
    assert "--epochs" in refusal(DEFAULT, Overrides(set=["training=3"], epochs="3"))


def test_arms_from_the_command_line_replace_the_presets(file: Path) -> None:
    preset = load(str(file), Overrides(arms=["he_normal", "normal(std=0.01)"]))
    assert [arm.init for arm in preset.arms] == [Init.of("he_normal"), Init("normal", {"std": 0.01})]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    assert refusal("mnst3").startswith("no preset 'mnst3'. Did you mean 'mnist3'?")
    assert "Known: mnist3, " in refusal("qqqq")


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refusal("nowhere.toml")
    assert "there is no such file" in refusal(f"{tmp_path}/nowhere")
    assert "it is a directory" in refusal(str(tmp_path))


@pytest.mark.parametrize("word", ["a" * 5000, "~nosuchuser/x.toml", "a\0b"], ids=["long", "home", "NUL"])
def test_a_word_that_can_not_be_a_path_is_refused(word: str) -> None:
    with pytest.raises(UsageError):
        locate(word)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"title = ", "is not TOML: "),
        (b"\xff\xfe", "is not UTF-8 text (byte 0)"),
        (b"x = " + b"[" * 50_000, "is nested too deeply"),
    ],
    ids=["not TOML", "not UTF-8", "deep"],
)
def test_a_file_that_is_no_preset_is_refused_in_one_line(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    with pytest.raises(PresetError) as caught:
        load(str(file))
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_huge_file_is_not_read(file: Path) -> None:
    with file.open("wb") as huge:
        huge.truncate(1 << 40)
    assert refusal(str(file)) == f"{file}: has 1099512 MB; expected a preset of at most 10 MB"


def test_of_many_faults_the_first_are_listed(file: Path) -> None:
    file.write_text("".join(f"{key}{key} = 1\n" for key in range(150)), "utf-8")
    with pytest.raises(PresetError) as caught:
        load(str(file))
    lines = str(caught.value).split("\n")
    assert len(lines) == 102
    assert lines[0].endswith(": 150 faults")
    assert lines[-1] == "  and 50 more"


def test_the_file_that_is_read_is_left_as_it_was(file: Path) -> None:
    before = file.read_bytes()
    load(str(file), Overrides(epochs="1", arms=["he_normal"]))
    assert file.read_bytes() == before
    assert tomllib.loads(before.decode())["training"]["epochs"] == 4


def test_a_factory_on_the_command_line_takes_the_place_of_the_presets_network_and_data(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("")
    preset = load("mnist3", Overrides(set=[f"model.factory={file}:network", f"data.factory={file}:data"]))
    assert (preset.model.factory, preset.data.factory) == (f"{file}:network", f"{file}:data")
