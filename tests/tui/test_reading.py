"""The keys that read a result: the table alone, each seed, the confusion matrices, the disputes of several seeds."""

import pytest

from inittui.analysis import sentences
from tests.galleries import canned_gallery
from tests.helpers import finished_board, preset, running_board
from tests.tui.builders import SIZES, dashboard, press, shown

SMALLEST = (40, 10)


def words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("size", [SMALLEST, *SIZES])
async def test_f_turns_over_the_confusions_arm_by_arm_and_then_the_image_again(size: tuple[int, int]) -> None:
    board = finished_board(2, seeds=7)
    app = dashboard(board, pictures=canned_gallery(preset(2), seeds=7))
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        assert "confusions of xavier_normal" in await press(pilot, "f")
        text = await press(pilot, "f")
        assert "confusions of he_normal" in text
        assert ("taken for" if size == SMALLEST else "right, 7 seeds") in text
        assert [len(line) for line in text.split("\n")] == [size[0]] * size[1]
        text = await press(pilot, "f")
        assert "test image 0" in text
        assert "confusions of" not in text
        await press(pilot, "f")
        assert "disagreement 1 of 4" in words(await press(pilot, "d")) or size == SMALLEST
        assert "confusions of" not in "\n".join(await press(pilot, "n"))


async def test_while_it_trains_f_says_that_confusions_come_later() -> None:
    app = dashboard(running_board())
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        assert "test image 8" in await press(pilot, "f")
        assert [words for words, _ in app.notices] == ["More test images come with the end of the run."]


@pytest.mark.parametrize(("size", "arms"), [(SMALLEST, 2), ((80, 24), 5)])
async def test_the_table_alone_can_be_read_to_its_end(size: tuple[int, int], arms: int) -> None:
    board = finished_board(arms, seeds=7)
    assert board.result is not None
    app = dashboard(board)
    async with app.run_test(size=size) as pilot:
        await shown(pilot)
        seen = [await press(pilot, "2")]
        assert "lines more: down" in words(seen[0])
        while "lines more: down" in words(seen[-1]):
            seen.append(await press(pilot, "j"))
        assert seen[-1] == await press(pilot, "j")
        lines = {line.strip("│ ") for text in seen for line in text.split("\n")}
        for sentence in sentences.verdicts(board.result) + sentences.asides(board.result):
            assert any(sentence.endswith(line) for line in lines if len(line) > 5), sentence
        assert await press(pilot, *["k"] * len(seen)) == seen[0]
        assert await press(pilot, "pagedown") != seen[0]
        assert await press(pilot, "pageup") == seen[0]
        await press(pilot, "j", "2")
        assert await press(pilot, "2") == seen[0]


async def test_s_shows_each_seed_and_again_hides_them() -> None:
    app = dashboard(finished_board(2, seeds=3))
    async with app.run_test(size=(100, 24)) as pilot:
        assert " 778 " not in await shown(pilot)
        assert " 778 " in await press(pilot, "s")
        assert " 778 " not in await press(pilot, "s")
        assert " 778 " in await press(pilot, "s")
        await press(pilot, "2")
        assert " 778 " in await press(pilot, "s")
