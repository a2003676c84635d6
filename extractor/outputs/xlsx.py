"""Tables as an Excel workbook."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from extractor.outputs.columns import TABLES, Cell, Column
from extractor.outputs.tables import Row, package

_SHEET_ROWS: Final = 1_048_576
_CELL: Final = 32_767
"""Characters that Excel allows in a cell, counted as UTF-16 does: 😀 is two."""
_LINKS: Final = 65_530
"""Links that Excel allows in a sheet."""
_LINK: Final = 690
"""Characters of a link: Excel allows 2,079, and some are written as three."""
_WIDE: Final = 60
"""The greatest width of a column, in characters."""
_MEASURED: Final = 1000
"""The rows that a column's width is measured on."""
_LINKED: Final = {
    "url": "",
    "doi": "https://doi.org/",
    "arxiv_id": "https://arxiv.org/abs/",
    "pmid": "https://pubmed.ncbi.nlm.nih.gov/",
}


class XLSX:
    """A sheet a table, with a frozen header, a filter, widths and links. Another sheet goes on where Excel's rows end."""

    def __init__(self, file: Path) -> None:
        settings = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "tmpdir": str(file.parent)}
        self._book: Any = package("xlsxwriter").Workbook(str(file), settings)
        self._bold = self._book.add_format({"bold": True})
        self._sheets = {table: [_Sheet(self._book, table, columns, self._bold)] for table, columns in TABLES.items()}

    def write(self, table: str, rows: Sequence[Row]) -> None:
        sheets = self._sheets[table]
        for row in rows:
            if sheets[-1].rows == _SHEET_ROWS:
                sheets.append(_Sheet(self._book, f"{table} {len(sheets) + 1}", TABLES[table], self._bold))
            sheets[-1].add(row)

    def close(self, *, whole: bool) -> None:  # noqa: ARG002 (a part is thrown away)
        for sheets in self._sheets.values():
            for sheet in sheets:
                sheet.finish()
        self._book.close()


class _Sheet:
    def __init__(self, book: Any, name: str, columns: Sequence[Column], bold: Any) -> None:
        self._sheet = book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        self._columns = columns
        self._widths = [len(column.name) + 3 for column in columns]
        self._links = 0
        self.rows = 1
        for place, column in enumerate(columns):
            self._sheet.write_string(0, place, column.name, bold)

    def add(self, row: Row) -> None:
        for place, (column, cell) in enumerate(zip(self._columns, row, strict=True)):
            self._write(place, column, cell)
        self.rows += 1

    def _write(self, place: int, column: Column, cell: Cell) -> None:
        if cell is None:
            return
        if isinstance(cell, bool):
            self._sheet.write_boolean(self.rows, place, cell)
        elif isinstance(cell, int | float):
            self._sheet.write_number(self.rows, place, cell)
        else:
            if self.rows <= _MEASURED:
                self._widths[place] = min(_WIDE, max(self._widths[place], len(cell) + 2))
            link = _LINKED.get(column.name, "") + cell if column.name in _LINKED else ""
            if link.startswith(("https://", "http://")) and len(link) <= _LINK and self._links < _LINKS:
                self._links += 1
                self._sheet.write_url(self.rows, place, link, string=cell)
                return
            self._sheet.write_string(self.rows, place, _fitting(cell))

    def finish(self) -> None:
        for place, width in enumerate(self._widths):
            self._sheet.set_column(place, place, width)
        self._sheet.autofilter(0, 0, self.rows - 1, len(self._columns) - 1)


def _fitting(text: str) -> str:
    """A text that a cell can hold: of a longer one the beginning."""
    if len(text) <= _CELL // 2:
        return text
    units = text.encode("utf-16-le")
    return text if len(units) <= 2 * _CELL else units[: 2 * _CELL - 2].decode("utf-16-le", "ignore") + "…"
