"""`extractor schema`: the JSON Schema of the output."""

import typer


def schema() -> None:
    """Print the JSON Schema of a record.

    A record is one line of extractions.jsonl.

    Example: extractor schema > extraction.schema.json
    """
    import json

    from extractor.records import extraction_schema

    typer.echo(json.dumps(extraction_schema(), indent=2, ensure_ascii=False))
