"""Validates and serialises by schemas, with errors of each kind; regular expressions, dates, URLs, JSON."""

import datetime

from pydantic_core import SchemaSerializer, SchemaValidator, ValidationError, core_schema, from_json, to_json

fields = {
    "n": core_schema.int_schema(ge=1, multiple_of=3),
    "s": core_schema.str_schema(pattern=r"^\p{Lu}\w+$", max_length=10, strip_whitespace=True),
    "at": core_schema.datetime_schema(),
    "u": core_schema.url_schema(allowed_schemes=["https"]),
    "l": core_schema.list_schema(
        core_schema.union_schema([core_schema.float_schema(strict=True), core_schema.bool_schema()])
    ),
    "d": core_schema.decimal_schema(max_digits=5, decimal_places=2),
}
schema = core_schema.typed_dict_schema({name: core_schema.typed_dict_field(each) for name, each in fields.items()})
validator = SchemaValidator(schema)
good = {
    "n": "6",
    "s": " Ärger ",
    "at": "2020-02-29T12:00:00Z",
    "u": "https://ex\u00e4mple.org/a?b",
    "l": [1.5, "yes"],
    "d": "123.45",
}
value = validator.validate_python(good)
assert value["n"] == 6 and value["s"] == "Ärger" and value["l"] == [1.5, True]
assert value["at"] == datetime.datetime(2020, 2, 29, 12, tzinfo=datetime.UTC)
assert str(value["u"]) == "https://xn--exmple-cua.org/a?b"
assert validator.validate_json(to_json(good)) == value
assert from_json(SchemaSerializer(schema).to_json(value))["at"] == "2020-02-29T12:00:00Z"
bad = {"n": 7, "s": "lower", "at": "2021-02-29", "u": "ftp://x", "l": [{}], "d": "1.234"}
try:
    validator.validate_python(bad)
except ValidationError as error:
    kinds = {each["loc"][0]: each["type"] for each in error.errors(include_url=False)}
    assert kinds["n"] == "multiple_of" and kinds["s"] == "string_pattern_mismatch" and kinds["u"] == "url_scheme"
    assert set(kinds) == set(bad)
    assert from_json("[1e400, -0.0, 123456789012345678901234567890]")[2] == 123456789012345678901234567890
    print("works")
