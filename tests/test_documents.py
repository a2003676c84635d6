"""A document's text is what every offset counts in."""

from dataclasses import FrozenInstanceError

import pytest

from extractor.documents import Document, lowered


@pytest.mark.parametrize(
    ("title", "abstract"),
    [
        pytest.param("FastNet", "It is 2x faster.", id="plain"),
        pytest.param("", "It is 2x faster.", id="no title"),
        pytest.param("Größe 𝛼", "μs, not \u202fms; e\u0301 is two code points", id="beyond ASCII and the basic plane"),
        pytest.param("Title", "first line\nsecond\r\n third ", id="line ends stay"),
    ],
)
def test_the_text_is_the_title_a_line_end_and_the_abstract(title: str, abstract: str) -> None:
    text = Document("1", title, abstract).text
    assert (text[: len(title)], text[len(title)], text[len(title) + 1 :]) == (title, "\n", abstract)


def test_a_document_does_not_change() -> None:
    document = Document("1", "title", "abstract")
    with pytest.raises(FrozenInstanceError):
        document.title = "other"  # type: ignore[misc]


def test_documents_of_equal_content_are_equal() -> None:
    assert Document("1", "a", "b") == Document("1", "a", "b") != Document("2", "a", "b")


@pytest.mark.parametrize("text", ["Fast GPU", "İstanbul GPU", "ẞtraße", ""])
def test_lower_case_keeps_every_offset(text: str) -> None:
    lower = lowered(text)
    assert len(lower) == len(text)
    assert lower.endswith("gpu") == text.endswith("GPU")
