"""Networks and data of a person's own: named in a preset, imported by the engine alone, and refused in one line."""

import itertools
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from inittui.cli.main import main
from inittui.common.errors import DataError, PresetError, UserCodeError
from inittui.common.user_code_refs import DATA, NETWORK, reference
from inittui.engine.data import user_data
from inittui.engine.data.load import load as load_data
from inittui.engine.networks.build import build as build_network
from inittui.engine.networks.example_cnn import small_cnn
from inittui.engine.networks.user_code import UserCode
from inittui.engine.trainer import Trainer
from inittui.engine.watched_example import grey
from inittui.experiment import preset_files
from inittui.experiment.overrides import Overrides
from inittui.experiment.preset import Data, Model, Preset
from inittui.experiment.preset_table import build, to_table
from inittui.record import events
from tests.helpers import steady, write_run
from tests.unit.tiny import CPU, arm, dataset, epochs, figures

SHAPE, CLASSES = (1, 4, 4), 3

NETWORKS = """
import sys
import torch
from torch import nn

calls = []
kept = nn.Linear(16, 3)

def build(*, inputs, classes):
    calls.append((inputs, classes))
    rows = inputs[-1]
    return nn.Sequential(nn.Conv2d(inputs[0], 5, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(5 * rows * rows, classes))

def with_words(inputs, classes, wide=8):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, wide), nn.ReLU(), nn.Linear(wide, classes + 2))

def raises(*, inputs, classes):
    raise ValueError("not\\nthis way")

def leaves(*, inputs, classes):
    sys.exit("enough")

def returns(*, inputs, classes):
    return [nn.Linear(16, classes)]

def no_layers(*, inputs, classes):
    return nn.Sequential(nn.Flatten(), nn.Softmax(1))

def wrong_width(*, inputs, classes):
    return nn.Linear(7, classes)

def flat(*, inputs, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, classes), nn.Flatten(0))

def too_few(*, inputs, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, classes - 1))

class Pair(nn.Module):
    def __init__(self, *, inputs, classes):
        super().__init__()
        self.layer = nn.Linear(16, classes)

    def forward(self, x):
        return self.layer(x.flatten(1)), x

def same(*, inputs, classes):
    return nn.Sequential(nn.Flatten(), kept)

def other_words(inputs):
    return nn.Linear(16, 3)

number = 3
"""

DATASETS = """
import numpy
import torch

imported = 0
x = (numpy.arange(10 * 16) % 256).reshape(10, 4, 4).astype("uint8")
y = numpy.arange(10) % 3

def arrays():
    return x[:7], y[:7], x[7:], y[7:]
"""


pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.bits]


@pytest.fixture
def networks(tmp_path: Path) -> Path:
    path = tmp_path / "my_network.py"
    path.write_text(NETWORKS)
    return path


@pytest.fixture
def returning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A reference to a function in a file that returns just these values."""

    def make(*values: object) -> str:
        (tmp_path / "my_data.py").write_text("def load():\n    return values\n")
        monkeypatch.setattr("builtins.values", values, raising=False)
        return f"{tmp_path}/my_data.py:load"

    return make


def one_line(error: pytest.ExceptionInfo[UserCodeError], kind: str, text: str) -> str:
    """What is wrong: one line, that names file and function."""
    message = str(error.value)
    assert message.startswith(f"{kind} '{text}': ")
    assert message.isprintable()
    return message


# Networks


def build_own(text: str, seed: int = 1) -> Any:
    return build_network(Model(factory=text), SHAPE, CLASSES, seed)


def test_a_network_comes_from_a_file_with_the_shape_that_it_is_for(networks: Path) -> None:
    network = build_own(f"{networks}:build")
    assert network(torch.zeros(2, *SHAPE)).shape == (2, CLASSES)
    assert network.training
    (module,) = [m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == str(networks)]
    assert module.calls == [(SHAPE, CLASSES)]
    another = build_own(f"{networks}:with_words")  # more outputs than classes do no harm
    assert another(torch.zeros(2, *SHAPE)).shape == (2, CLASSES + 2)
    assert [m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == str(networks)] == [module]


def test_a_class_is_a_function_that_makes_one(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "from torch import nn\nclass Net(nn.Linear):\n    def __init__(self, *, inputs, classes):\n"
        "        super().__init__(inputs[0], classes)\n"
    )
    made = build_network(Model(factory=f"{path}:Net"), (5,), 3, 1)
    assert isinstance(made, nn.Linear)
    assert (made.in_features, made.out_features) == (5, 3)


def test_a_network_comes_from_a_module_too() -> None:
    network = build_network(Model(factory="inittui.engine.networks.example_cnn:small_cnn"), (1, 28, 28), 10, 1)
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert [type(m) for m in network.children()] == [type(m) for m in small_cnn(inputs=(3, 8, 8), classes=4).children()]


def test_what_it_draws_follows_the_seed_and_disturbs_nobody(networks: Path) -> None:
    state = torch.get_rng_state()
    first, same, other = (build_own(f"{networks}:build", seed)[0].weight for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


DRAWS = """
import random, numpy, torch
at_import = torch.rand(1).item() + numpy.random.rand() + random.random()

def load():
    order = torch.randperm(50).tolist() + numpy.random.permutation(50).tolist() + [random.randrange(50), int(1e6 * at_import)]
    return torch.tensor([order]).float(), [0], torch.tensor([order]).float(), [1]
"""


def test_a_split_that_asks_a_global_stream_is_the_same_in_every_run(tmp_path: Path) -> None:
    splits = []
    for number in range(2):
        path = tmp_path / f"split{number}.py"  # as in another process: imported anew
        path.write_text(DRAWS)
        states = (random.getstate(), torch.get_rng_state(), numpy.random.get_state(legacy=False))
        splits.append(user_data.load(f"{path}:load").train_images)
        assert random.getstate() == states[0]
        assert torch.equal(torch.get_rng_state(), states[1])
        assert str(numpy.random.get_state(legacy=False)) == str(states[2])
        torch.rand(number + 1), numpy.random.rand(), random.random()
    assert torch.equal(*splits)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("raises", "it raised ValueError: not this way"),
        ("leaves", "it raised SystemExit: enough"),
        ("returns", "it returned a list; expected a torch.nn.Module"),
        ("no_layers", "its network has no Linear or Conv layer for a scheme to fill"),
        ("wrong_width", "given inputs of shape [2, 1, 4, 4], its network raised RuntimeError: "),
        ("flat", "its network made [6] of inputs of shape [2, 1, 4, 4]; expected logits [2, 3]"),
        ("too_few", "its network made [2, 2] of inputs of shape [2, 1, 4, 4]; expected logits [2, 3]"),
        ("Pair", "its network made tuple of inputs of shape [2, 1, 4, 4]; expected logits [2, 3]"),
        ("other_words", "it takes (inputs); expected (*, inputs, classes)"),
        ("number", "it has no such function; it has build, "),
        ("biuld", "it has no such function; it has build, "),
    ],
)
def test_a_fault_of_the_function_is_one_line_that_names_it(networks: Path, function: str, words: str) -> None:
    with pytest.raises(UserCodeError) as caught:
        build_own(f"{networks}:{function}")
    assert words in one_line(caught, "own network", f"{networks}:{function}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(:", "importing it raised SyntaxError: "),
        ("import no_such_module", "importing it raised ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "importing it raised ZeroDivisionError: "),
        ("raise SystemExit(3)", "importing it raised SystemExit: 3"),
        ("", "it has no such function; it has none at all"),
        (None, "there is no such file"),
    ],
)
@pytest.mark.parametrize("kind", ["own network", "own data"])
def test_a_fault_of_the_file_is_one_line_that_names_it(tmp_path: Path, kind: str, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "a.py").write_text(text)
    where = f"{tmp_path}/a.py:f"
    with pytest.raises(UserCodeError) as caught:
        build_own(where) if kind == "own network" else user_data.load(where)
    assert words in one_line(caught, kind, where)


def test_a_layer_that_two_seeds_would_share_is_refused(networks: Path) -> None:
    build_own(f"{networks}:same")
    with pytest.raises(UserCodeError) as caught:
        build_own(f"{networks}:same", seed=2)
    words = "it returned a layer for the second time; expected new ones at every call"
    assert words in one_line(caught, "own network", f"{networks}:same")


def test_an_own_network_trains_as_a_perceptron_of_its_kind_does(tmp_path: Path) -> None:
    """Flat inputs, the same layers, the same draws: the costs are a preset's own, by autograd, to the last bit."""
    path = tmp_path / "net.py"
    path.write_text(
        "from torch import nn\ndef build(*, inputs, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, classes))\n"
    )
    ours = arm(epochs=3)
    theirs = type(ours)(ours.name, ours.init, Model(factory=f"{path}:build"), ours.training)
    perceptron, own = (list(Trainer(of, dataset(), CPU, hand_written=False).run()) for of in (ours, theirs))
    # A layer's draws are those of its place among the layers, whatever stands between them.
    assert figures(own) == figures(perceptron)
    (begin,) = [event for event in own if isinstance(event, events.Begin)]
    assert (begin.layers, begin.parameters) == (((16, 8), (8, 3)), 17 * 8 + 9 * 3)


# Data


def test_arrays_from_a_file_are_a_data_set(tmp_path: Path) -> None:
    path = tmp_path / "my_data.py"
    path.write_text(DATASETS)
    found = user_data.load(f"{path}:arrays")
    assert (found.name, found.title, found.note) == ("auto", "my_data.py", "")
    assert (found.shape, found.rows, found.columns) == ((1, 4, 4), 4, 4)
    assert found.classes == ("0", "1", "2")
    assert found.train_images.dtype == torch.uint8
    assert found.train_images.flatten().tolist() == list(range(112))
    assert (found.test_labels.tolist(), found.test_labels.dtype) == ([1, 2, 0], torch.int64)
    assert found.pixel_max == 255.0


X = numpy.arange(10 * 16).reshape(10, 4, 4) % 256
Y = numpy.arange(10) % 3
AS: dict[str, Callable[[Any], Any]] = {
    "numpy": numpy.asarray,
    "tensor": torch.as_tensor,
    "list": lambda values: numpy.asarray(values).tolist(),
}


@pytest.mark.parametrize("kind", AS)
@pytest.mark.parametrize(
    ("inputs", "shape", "rows", "columns"),
    [
        (X.reshape(10, 16), (16,), 4, 4),
        (X.reshape(10, 16)[:, :11], (11,), 3, 4),
        (X.reshape(10, 16)[:, :1], (1,), 1, 1),
        (X, (1, 4, 4), 4, 4),
        (X.reshape(10, 2, 8), (1, 2, 8), 2, 8),
        (X.reshape(10, 2, 2, 4), (2, 2, 4), 2, 4),
    ],
    ids=["features", "features that fill no square", "one feature", "images", "wide images", "channels"],
)
def test_features_images_and_channels_come_in_any_container(
    returning: Callable[..., str], kind: str, inputs: Any, shape: tuple[int, ...], rows: int, columns: int
) -> None:
    as_given = AS[kind]
    real = inputs.astype("float64") / 7
    found = user_data.load(returning(as_given(real[:7]), as_given(Y[:7]), as_given(real[7:]), as_given(Y[7:])))
    assert (found.shape, found.rows, found.columns) == (shape, rows, columns)
    assert (found.train_images.dtype, found.pixel_max) == (torch.float32, 1.0)
    assert torch.allclose(found.train_images.double(), torch.as_tensor(real[:7]))
    assert len(grey(found, 0)) == rows * columns
    assert max(grey(found, 0)) == (255 if inputs.size > 10 else 0)  # its own range, whatever that is


@pytest.mark.parametrize("dtype", ["int64", "int16", "uint16", "bool", "float16"])
def test_only_bytes_are_pixels_and_all_else_is_taken_as_it_is(returning: Callable[..., str], dtype: str) -> None:
    given_ = X.astype(dtype)
    found = user_data.load(returning(given_[:7], Y[:7], given_[7:], Y[7:]))
    assert found.pixel_max == 1.0
    assert torch.equal(found.train_images, torch.as_tensor(given_[:7].astype("float32")))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "uint16", "int64", "bool"])
def test_labels_are_whole_numbers_of_any_kind(returning: Callable[..., str], dtype: str) -> None:
    labels = (Y % 2).astype(dtype)
    found = user_data.load(returning(X[:7], labels[:7], X[7:], labels[7:]))
    assert found.train_labels.tolist() == (Y[:7] % 2).tolist()
    assert found.classes == ("0", "1")


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x[::-1].copy()[::-1],
        lambda x: x.astype(x.dtype.newbyteorder(">")),
        numpy.asfortranarray,
        numpy.ma.asarray,
    ],
    ids=["reversed", "big-endian", "by columns", "nothing masked"],
)
def test_arrays_are_taken_however_they_lie_in_memory(returning: Callable[..., str], form: Callable[[Any], Any]) -> None:
    plain = user_data.load(returning(*GOOD))
    found = user_data.load(returning(*map(form, GOOD)))
    assert torch.equal(found.train_images, plain.train_images)
    assert torch.equal(found.test_labels, plain.test_labels)


def test_classes_may_be_named_also_those_that_no_image_has(returning: Callable[..., str]) -> None:
    names = ["cat", "dog", 7, "none of them"]
    for given_ in (names, tuple(names), numpy.array(names)):
        found = user_data.load(returning(X[:7], Y[:7], X[7:], Y[7:], given_))
        assert found.classes == ("cat", "dog", "7", "none of them")


def test_test_labels_count_for_the_classes_too(returning: Callable[..., str]) -> None:
    found = user_data.load(returning(X[:7], Y[:7], X[7:], [0, 4, 1]))
    assert found.classes == ("0", "1", "2", "3", "4")


BYTES = X.reshape(10, 2, 2, 4).astype("uint8")
INFINITE = X.astype("float32").copy()
INFINITE[8, 0, 0] = numpy.inf
HUGE = X[:7].astype("float64")
HUGE[2, 3, 1] = -1e300  # more than float32 holds
GOOD: tuple[Any, ...] = (X[:7], Y[:7], X[7:], Y[7:])


def changed(**places: Any) -> tuple[Any, ...]:
    names = ("train", "train_labels", "test", "test_labels", "classes")
    values = dict(zip(names, GOOD, strict=False)) | places
    return tuple(values[name] for name in names if name in values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (GOOD[:3], f"it returned a tuple; expected {user_data.FORM}"),
        ((*GOOD, ["a"], 1), "it returned a tuple; expected (train_inputs, "),
        (changed(train=X[:7, 0, 0]), "train_inputs are torch.int64 of shape [7]; expected [n, features], [n, rows, columns]"),
        (changed(test=X[:0]), "test_inputs are torch.int64 of shape [0, 4, 4]; expected [n, features]"),
        (changed(train=X[:7].reshape(7, 1, 1, 4, 4)), "train_inputs are torch.int64 of shape [7, 1, 1, 4, 4]; expected "),
        (changed(train=None), "train_inputs can't become a tensor: "),
        (changed(train=[[1, 2], [3]]), "train_inputs can't become a tensor: ValueError: "),
        (changed(train="pictures"), "train_inputs can't become a tensor: TypeError: "),
        (changed(train=numpy.array([object()] * 7)), "train_inputs can't become a tensor: TypeError: "),
        (changed(train=INFINITE[:7], test=INFINITE[7:]), "test_inputs hold inf at [1, 0, 0]; expected finite numbers within"),
        (changed(train=HUGE), "train_inputs hold -1e+300 at [2, 3, 1]; expected finite numbers within ±3.4e+38"),
        (changed(train=numpy.ma.masked_less(X[:7], 5)), "train_inputs have masked values; expected none: fill"),
        (changed(train=list(numpy.ma.masked_less(X[:7], 5))), "train_inputs have masked values; expected none"),
        (changed(test_labels=numpy.ma.masked_equal(Y[7:], 2)), "test_labels have masked values; expected none"),
        (changed(train=torch.tensor(X[:7]).to_sparse()), "train_inputs are a tensor of the kind torch.sparse_coo; exp"),
        (changed(train_labels=torch.tensor(Y[:7]).to_sparse()), "train_labels are a tensor of the kind torch.sparse_coo; "),
        (changed(train=torch.empty(7, 4, 4, device="meta")), "train_inputs can't become a tensor: NotImplementedError"),
        (changed(train=X[:7] * 1j), "train_inputs are torch.complex128 of shape [7, 4, 4]; expected real numbers"),
        (changed(train_labels=Y[:6]), "train_labels are torch.int64 of shape [6]; expected 7 whole numbers from 0, one per"),
        (changed(train_labels=Y[:7] - 1), "train_labels hold -1; expected class numbers from 0"),
        (changed(test_labels=[0.0, 1.0, 2.0]), "test_labels are torch.float32 of shape [3]; expected 3 whole numbers from 0"),
        (changed(test_labels=numpy.eye(3, dtype=int)), "test_labels are torch.int64 of shape [3, 3]; expected 3 whole"),
        (changed(test_labels=["a", "b", "c"]), "test_labels can't become a tensor: "),
        (changed(train_labels=[0, 1, 2, 3, 4, 5, 10**9]), "its labels go up to 1000000000; expected at most 65535"),
        (changed(test=X[7:, :3]), "of shape [7, 4, 4] and test_inputs torch.float32 of shape [3, 3, 4]; expected the same"),
        (changed(test=X[7:].astype("uint8")), "and test_inputs torch.uint8 of shape [3, 4, 4]; expected the same type"),
        (changed(classes=["cat", "dog"]), "its labels go up to 2, and it names 2 classes"),
        (changed(classes="abc"), "its classes are a str; expected a list of names"),
        (changed(classes=3), "its classes are a int; expected a list of names"),
        (changed(classes=[]), "its classes are a list; expected a list of names"),
        (changed(classes=torch.tensor(3)), "its classes are torch.int64 of shape []; expected a list of names"),
        (changed(classes=(1 / 0 for _ in range(3))), "its classes are a generator; expected a list of names"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_a_fault_of_the_data_is_one_line_that_names_the_function(
    returning: Callable[..., str], values: tuple[Any, ...], words: str
) -> None:
    text = returning(*values)
    with pytest.raises(UserCodeError) as caught:
        user_data.load(text)
    assert words in one_line(caught, "own data", text)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("def f(): raise RuntimeError('no\\ndisk')", "it raised RuntimeError: no disk"),
        ("def f(): raise SystemExit", "it raised SystemExit"),
        ("def f(): return None", "it returned a NoneType; expected (train_inputs, "),
        ("def f(): return {'a': 1, 'b': 2, 'c': 3, 'd': 4}", "it returned a dict; expected (train_inputs, "),
        ("def f(path): return path", "it takes (path); expected ()"),
    ],
)
def test_a_fault_of_the_function_that_loads_is_one_line_too(tmp_path: Path, body: str, words: str) -> None:
    (tmp_path / "d.py").write_text(body)
    with pytest.raises(UserCodeError) as caught:
        user_data.load(f"{tmp_path}/d.py:f")
    assert words in one_line(caught, "own data", f"{tmp_path}/d.py:f")


@steady
@given(
    st.recursive(
        st.one_of(st.none(), st.integers(-5, 300), st.floats(), st.text(max_size=3), st.booleans()),
        lambda inner: st.lists(inner, max_size=4),
        max_leaves=12,
    )
)
def test_whatever_a_function_returns_is_a_data_set_or_refused(values: Any) -> None:
    given_ = list(GOOD)
    for place in range(4):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(UserCode, "call", lambda *_, place=place: [*given_[:place], values, *given_[place + 1 :]])
            try:
                data = user_data.load("any.module:function")
                words = f"own data 'any.module:function': {len(data.train_images)} images"
            except UserCodeError as error:
                words = str(error)
            assert words.startswith("own data 'any.module:function': ")
            assert words.isprintable()


def test_long_names_of_classes_are_cut(returning: Callable[..., str]) -> None:
    text = returning(*GOOD, (f"{'long' * 1000}{number}" for number in range(3)))
    assert user_data.load(text).classes == ("long" * 50,) * 3


def test_names_of_classes_without_an_end_are_refused(returning: Callable[..., str]) -> None:
    text = returning(*GOOD, itertools.count())
    with pytest.raises(UserCodeError, match="it names more than 65536 classes"):
        user_data.load(text)


def test_data_come_from_a_file_of_arrays(tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    numpy.savez(file, train_inputs=X[:7], train_labels=Y[:7], test_inputs=X[7:], test_labels=Y[7:])
    data = user_data.load(str(file))
    assert (data.title, data.classes, data.train_images.shape) == ("mine.npz", ("0", "1", "2"), (7, 4, 4))
    numpy.savez(
        file, train_inputs=X[:7], train_labels=Y[:7], test_inputs=X[7:], test_labels=Y[7:], classes=["a", "b", "c"]
    )
    assert user_data.load(str(file)).classes == ("a", "b", "c")
    found = preset_files.load("digits", Overrides(set=[f"data.factory={file}"]))
    assert build(to_table(found), name="digits", source="preset.toml").data == Data(factory=str(file))
    with pytest.raises(PresetError, match=r"own data '.*nope\.npz': there is no such file; expected a file"):
        preset_files.load("digits", Overrides(set=["data.factory=./nope.npz"]))
    assert refused({"arms": [{"init": "./mine.npz"}]})[0].startswith("arms[1].init: own scheme './mine.npz' names no")


class Exploding:
    def __reduce__(self) -> Any:
        return pytest.fail, ("it was executed",)


def test_a_file_of_arrays_that_is_none_is_refused_in_one_line_and_never_executed(tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    arrays = {"train_inputs": X[:7], "train_labels": Y[:7], "test_inputs": X[7:]}
    numpy.savez(file, allow_pickle=True, **arrays, test_labels=numpy.array([Exploding()], dtype=object))
    contents = [b"", b"PK", b"{}", file.read_bytes(), file.read_bytes()[:500]]
    numpy.savez(file, allow_pickle=True, **arrays)
    contents.append(file.read_bytes())
    for content in contents:
        file.write_bytes(content)
        with pytest.raises(UserCodeError) as caught:
            user_data.load(str(file))
        assert "it can't be read" in one_line(caught, "own data", str(file))


def test_a_limit_takes_the_first_of_them(returning: Callable[..., str], tmp_path: Path) -> None:
    text = returning(*GOOD)
    found = load_data(Data(factory=text, train_limit=4), tmp_path, lambda *_: None)
    assert (len(found.train_images), len(found.test_images)) == (4, 3)
    with pytest.raises(DataError, match=r"data\.train_limit = 8: my_data\.py has 7 training images"):
        load_data(Data(factory=text, train_limit=8), tmp_path, lambda *_: None)


@pytest.mark.parametrize(
    "values",
    [
        (X.reshape(10, 16)[:7] / 100, Y[:7], X.reshape(10, 16)[7:] / 100, Y[7:]),
        (BYTES[:7], Y[:7], BYTES[7:], Y[7:], ["a", "b", "c", "d"]),
    ],
    ids=["features", "channels"],
)
def test_own_data_train_a_perceptron(returning: Callable[..., str], values: tuple[Any, ...]) -> None:
    data = user_data.load(returning(*values))
    told = list(Trainer(arm(batch_size=2), data, CPU).run())
    assert len(epochs(told)) == 2
    assert all(one.train_cost is not None for one in epochs(told))
    (sample,) = [event for event in told if isinstance(event, events.Sample)]
    assert bytes.fromhex(sample.pixels) == grey(data, sample.index)
    # What an image is scaled by in training is what it is scaled by in the test.
    trainer = Trainer(arm(batch_size=2), data, CPU)
    assert trainer.device_data.train_divisor == trainer.device_data.test_divisor == data.pixel_max


def test_images_with_channels_reach_an_own_network_in_their_shape(
    returning: Callable[..., str], networks: Path
) -> None:
    shaped = X.reshape(10, 2, 2, 4)[:, :, :, :2].astype("uint8")
    data = user_data.load(returning(shaped[:7], Y[:7], shaped[7:], Y[7:]))
    base = arm(batch_size=2)
    of = type(base)(base.name, base.init, Model(factory=f"{networks}:build"), base.training)
    told = list(Trainer(of, data, CPU).run())
    assert [event.layers for event in told if isinstance(event, events.Begin)] == [((18, 45), (20, 3))]
    assert len(epochs(told)) == 2


# Presets


@pytest.fixture
def mine(networks: Path) -> Path:
    (networks.parent / "my_data.py").write_text(DATASETS)
    return networks.parent


PRESET = """
[data]
factory = "{data}"

[model]
factory = "{model}"
exclude = ["0"]

[training]
epochs = 2
batch_size = 3

[[arms]]
init = "he_normal"

[[arms]]
init = "xavier_normal"
model.factory = "{other}"
"""


def load(folder: Path, changes: Overrides | None = None, **words: str) -> Preset:
    names = {"data": "my_data.py:arrays", "model": "./my_network.py:build", "other": "my_network.py:with_words"} | words
    (folder / "mine.toml").write_text(PRESET.format(**names))
    return preset_files.load(str(folder / "mine.toml"), changes)


def test_paths_count_from_the_presets_file_and_become_absolute(
    mine: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    found = load(mine)
    assert found.data.factory == f"{mine}/my_data.py:arrays"
    assert [arm.model.factory for arm in found.arms] == [
        f"{mine}/my_network.py:build",
        f"{mine}/my_network.py:with_words",
    ]
    assert [arm.model.exclude for arm in found.arms] == [("0",)] * 2
    (change,) = found.arms[1].changes
    assert change.startswith(f'model.factory = "{mine}'[:60])


def test_on_the_command_line_they_count_from_the_working_folder(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine)
    found = load(mine, Overrides(set=["model.factory=./my_network.py:with_words", "data.factory=my_data.py:arrays"]))
    assert found.data.factory == f"{mine}/my_data.py:arrays"
    assert found.model.factory == f"{mine}/my_network.py:with_words"
    monkeypatch.chdir(mine.parent)
    with pytest.raises(PresetError) as caught:
        load(mine, Overrides(set=["model.factory=./my_network.py:with_words"]))
    words = f"--set model.factory: model.factory: own network '{mine.parent}/my_network.py:with_words': there is no such file"
    assert caught.value.faults[0].startswith(words)


def test_a_network_of_ones_own_takes_the_place_of_a_shipped_presets_perceptron(mine: Path) -> None:
    found = preset_files.load("mnist3", Overrides(set=[f"model.factory={mine}/my_network.py:build"]))
    assert to_table(found)["model"] == {"factory": f"{mine}/my_network.py:build", "exclude": ()}
    with pytest.raises(PresetError) as caught:  # said beside the factory, a perceptron's keys are still a contradiction
        preset_files.load("mnist3", Overrides(set=[f"model.factory={mine}/my_network.py:build", "model.hidden=[64]"]))
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["--set model.hidden"]


def test_a_resolved_preset_is_the_same_experiment_wherever_it_is_read(mine: Path) -> None:
    found = load(mine)
    table = to_table(found)
    assert table["data"] == {"scale_test": True, "factory": f"{mine}/my_data.py:arrays"}
    assert table["model"] == {"factory": f"{mine}/my_network.py:build", "exclude": ("0",)}
    assert build(table, name="mine", source="preset.toml") == found
    for path in mine.glob("*.py"):
        path.unlink()
    assert build(table, name="mine", source="preset.toml") == found  # reading it looks for nothing


def test_a_resolved_preset_repeats_the_run_to_the_last_digit(mine: Path, tmp_path: Path) -> None:
    found = load(mine)
    again = build(to_table(found), name="mine", source="preset.toml")
    told = []
    for of in (found, again):
        data = load_data(of.data, tmp_path, lambda *_: None)
        told.append(figures(Trainer(of.arms[0], data, CPU).run()))
    assert told[0] == told[1]
    assert len(told[0]) == 2


def refused(table: dict[str, Any]) -> list[str]:
    with pytest.raises(PresetError) as caught:
        build({"arms": [{"init": "he_normal"}], **table}, name="x", source="x")
    return list(caught.value.faults)


def test_keys_that_mean_nothing_beside_a_factory_are_refused() -> None:
    own = {"factory": "a.py:f", "hidden": [8], "outputs": 3, "activation": "tanh", "norm": "batch", "exclude": ["0"]}
    assert refused({"model": own}) == [
        f"model.{key}: means nothing beside model.factory; leave one of the two out"
        for key in ("activation", "hidden", "norm", "outputs")
    ]
    assert refused({"data": {"factory": "a.py:f", "name": "mnist"}}) == [
        "data.name: means nothing beside data.factory; leave one of the two out"
    ]
    assert refused({"arms": [{"init": "zeros", "model": {"factory": "a.py:f", "norm": "batch"}}]}) == [
        "arms[1].model.norm: means nothing beside arms[1].model.factory; leave one of the two out"
    ]


def test_an_arm_can_not_change_what_means_nothing_beside_the_presets_factory() -> None:
    arms = [{"init": "he_normal", "model": {"norm": "batch"}}, {"init": "zeros", "model": {"exclude": ["0"]}}]
    assert refused({"model": {"factory": "a.py:f"}, "arms": arms}) == [
        "arms[1].model.norm: means nothing beside model.factory; leave one of the two out"
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("my network", '"my network": expected own network, as in ./my_network.py:build or package.module:build'),
        ("small_cnn", '"small_cnn": expected own network'),
        ("./a.py", "own network './a.py' names no function in a Python file: expected ./my_network.py:build"),
        ("a.py:1st", "own network 'a.py:1st' names no function"),
        ("x", "expected own network, as in ./my_network.py:build or package.module:build"),
    ],
)
@pytest.mark.parametrize("where", ["model", "arms[1].model"])
def test_what_names_no_function_is_refused_with_the_form(text: str, words: str, where: str) -> None:
    model = {"model": {"factory": text}}
    (fault,) = refused(model if where == "model" else {"arms": [{"init": "zeros", **model}]})
    assert fault.startswith(f"{where}.factory")
    assert words in fault


def test_every_file_that_is_not_there_is_told_before_anything_starts(mine: Path) -> None:
    with pytest.raises(PresetError) as caught:
        load(mine, data="nope.py:load", model="no_such_package.nets:build", other="~no_such_user/net.py:build")
    faults = caught.value.faults
    assert len(faults) == 3
    for words in (
        f"data.factory: own data '{mine}/nope.py:load': there is no such file; expected a Python file that has",
        "model.factory: own network 'no_such_package.nets:build': Python finds no 'no_such_package'; install it",
        "arms[2].model.factory: own network '~no_such_user/net.py:build': its path can't be used",
    ):
        assert any(line.startswith(words) for line in faults), (words, faults)


@steady
@given(st.from_regex(r"(\.{1,2}/|/|~)?([a-z. ]{0,6}/)?[a-z]{0,6}(\.py)?:?[a-z1 (=)]{0,6}", fullmatch=True))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    for kind in (NETWORK, DATA):
        try:
            found, refusal = reference(text, kind), None
        except UserCodeError as error:
            found, refusal = None, str(error)
        assert found is None or str(found) == text
        assert refusal is None or "names no function in a Python file" in refusal


@pytest.mark.parametrize("command", [["report"], ["report", "--format", "md"], ["replay"], ["runs"]])
def test_nothing_that_reads_a_run_imports_a_persons_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    marker, explosive = tmp_path / "imported", tmp_path / "explosive.py"
    explosive.write_text(f"open({str(marker)!r}, 'w')\n")
    of = build(
        {
            "data": {"factory": f"{explosive}:load"},
            "model": {"factory": f"{explosive}:build"},
            "training": {"epochs": 3, "batch_size": 50},
            "arms": [{"init": "he_normal"}, {"init": "xavier_normal"}],
        },
        name="mine",
        source="canned",
    )
    run = write_run(tmp_path / "runs", of)
    words = [command[0], *([] if command[0] == "runs" else [run.name]), *command[1:]]
    assert main([*words, "--runs-dir", str(tmp_path / "runs")]) == 0
    assert run.name in capsys.readouterr().out or command[0] == "replay"
    assert not marker.exists()
