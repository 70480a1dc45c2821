"""The script that takes the pictures of the documentation finds its way through the site."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser import docs_pictures
from tests.browser.studio import open_studio

MIN_HEIGHTS = {"tour-serve": 150, "tour-confirm": 250, "moderator-queue": 250, "owner-invite": 250}


@pytest.fixture(scope="module")
def folder(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    with open_studio(browser, MIN_HEIGHTS, folder, signatures=60) as studio:
        docs_pictures.take_all(studio)
    return folder


def test_only_the_pictures_that_were_asked_for_are_written(folder: Path) -> None:
    assert {file.stem for file in folder.iterdir()} == set(MIN_HEIGHTS)


@pytest.mark.parametrize("name", MIN_HEIGHTS)
def test_a_picture_shows_a_page_and_is_not_blank(folder: Path, name: str) -> None:
    image = Image.open(folder / f"{name}.png").convert("L")
    assert image.width >= 600 and image.height >= MIN_HEIGHTS[name]
    counts = image.histogram()
    assert max(counts) < 0.97 * sum(counts), "one color fills the picture"
    assert sum(count > 50 for count in counts) > 8
