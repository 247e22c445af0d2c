"""What is wrong with a body is told so that its sender can mend it, and nothing is dropped."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from serving.http.bodies import INLINE_BYTES, MAX_TOKENS, _array, _from_form, decode_product
from serving.http.problems import Problem
from tests.support import tiny
from tests.support.service import Client

JPEG = b"\xff\xd8\xff\xe0 a picture"
HEADS = [tiny.picture("red", kind)[:40] for kind in ("GIF", "BMP", "TIFF", "AVIF")]


def refusal(call: Any, *given: Any) -> tuple[int, str]:
    with pytest.raises(Problem) as refused:
        call(*given)
    return refused.value.status_code, refused.value.detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"designation":"Piscine d\xe9t\xe9"}', "byte 25 (0xe9) is not UTF-8"),
        (b'{"designation":"a","x":"\xe9"}', None),
        (b'{"designation":"Piscine","description":NaN}', "NaN and Infinity are no numbers of JSON"),
        (b'{"designation":"a","x":-Infinity}', "NaN and Infinity are no numbers of JSON"),
        (b'{"designation":"a",}', "trailing comma in object (byte 19)"),
        (b'{"designation":"a"', "Input data was truncated"),
        (b'{"designation":"a"} {}', "trailing characters (byte 21)"),
        (b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deeply"),
        (b"", "Input data was truncated"),
        *(
            ('{"designation":"été"}'.encode(encoding), f"it is {encoding[:6].upper()}, not UTF-8")
            for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le")
        ),
    ],
)
def test_of_json_that_is_none_it_says_where_and_why(body: bytes, detail: str | None) -> None:
    if detail is None:  # nobody reads the field, so nobody minds its bytes
        assert decode_product(body).designation == "a"
        return
    status, said = refusal(decode_product, body)
    assert status == 400
    assert said.startswith("The body is no valid JSON: ")
    assert detail in said


@pytest.mark.parametrize("kind", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_batch_in_utf_16_is_told_to_be(kind: str) -> None:
    status, said = refusal(_array, '[{"designation":"été"}]'.encode(kind), 10)
    assert (status, "it is UTF-16, not UTF-8" in said) == (400, True)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"designation":"a","designation":"b"}', "designation"),
        (b'{"image":"AAAA","designation":"a", "image" : "data:;base64,AAAA"}', "image"),
        (b'{"designation":"a","x":{"y":[1,"}"]},"d\\u0065signation":""}', "designation"),
        (b'{"imageid":7,"designation":"a","imageid":null}', "imageid"),
    ],
)
def test_a_field_that_is_given_twice_is_refused_by_name(body: bytes, name: str) -> None:
    assert refusal(decode_product, body) == (422, f"Not a product: it has the field {name} twice.")


@pytest.mark.parametrize(
    "body",
    [
        b'{"designation":"designation","description":"designation"}',
        b'{"x":{"designation":1},"designation":"a","y":[{"designation":2},"designation"]}',
        b'{"colour":1,"colour":2,"designation":"a"}',
        b'{"designation":"a \\",\\"designation\\":\\"b"}',
    ],
)
def test_a_name_within_a_value_or_of_a_field_that_is_not_read_is_no_second(body: bytes) -> None:
    assert decode_product(body).designation


def test_a_byte_order_mark_is_passed_over() -> None:
    mark = b"\xef\xbb\xbf"
    assert decode_product(mark + b'{"designation":"jeu"}').designation == "jeu"
    assert _array(mark + b'[{"a":1}]', 10) == [b'{"a":1}']


@pytest.mark.parametrize("escaped", [False, True], ids=["plain", "slashes escaped, as PHP does"])
@pytest.mark.parametrize(
    "prefix",
    [
        *("", "data:image/jpeg;base64,", "data:image/svg+xml;base64,", "DATA:IMAGE/JPEG;BASE64,"),
        *("data:image/png;name=a.png;base64,", "data:application/octet-stream;base64,"),
        "data:;base64,",
    ],
)
def test_a_data_url_is_a_picture(prefix: str, escaped: bool) -> None:
    body = json.dumps({"designation": "jeu", "image": prefix + base64.b64encode(JPEG).decode()})
    product = decode_product((body.replace("/", "\\/") if escaped else body).encode())
    assert (product.designation, product.image) == ("jeu", JPEG)


@pytest.mark.parametrize(
    ("image", "detail"),
    [
        ("data:image/jpeg,%FF%D8", "no data URL of a picture in base64"),
        ("data:text/plain;base64,AAAA", "no data URL of a picture in base64"),
        ("data:image/jpeg;base64,A?", "base64"),
        ("A?", "base64"),
    ],
)
def test_a_picture_that_is_no_base64_is_refused(image: str, detail: str) -> None:
    status, said = refusal(decode_product, json.dumps({"image": image}).encode())
    assert status == 422
    assert detail in said


@pytest.mark.parametrize("name", ["image[]", "images", "picture", "Photo", "file", "img", "image "])
def test_a_picture_in_a_field_that_nobody_reads_is_refused(name: str) -> None:
    known = "the fields are designation, description, image, product_identifier"
    status, said = refusal(decode_product, json.dumps({"designation": "a", name: "AAAA"}).encode())
    assert (status, known in said, repr(name) in said) == (422, True, True)
    for filename in ('; filename="a.jpg"', ""):
        body = form([(f'name="{name}"{filename}', "", JPEG), ('name="designation"', "", b"jeu")])
        status, said = refusal(_from_form, body, "XbX")
        assert (status, known in said) == (422, True)


@pytest.mark.parametrize(
    "value",
    [
        base64.b64encode(JPEG).decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(),
        base64.b64encode(b"RIFF....WEBP").decode(),
        *(base64.b64encode(head).decode() for head in HEADS),
        "data:application/octet-stream;name=a;base64,AAAA",
    ],
)
def test_a_picture_is_known_by_its_content_too(value: str) -> None:
    for body in (json.dumps({"designation": "a", "main": value}), f'{{"a": {json.dumps(value)}}}'):
        for spelling in (body, body.replace("/", "\\/")):
            assert refusal(decode_product, spelling.encode())[0] == 422
    assert refusal(_from_form, form([('name="main"', "", value.encode())]), "XbX")[0] == 422


@pytest.mark.parametrize(
    ("disposition", "kind", "content"),
    [
        ("; filename*=UTF-8''a.jpg", "", b"a"),
        ('; filename=""', "", b"a"),
        ("", "image/x-icon", b"a"),
        ("", "application/octet-stream", b"a"),
        ("", "", JPEG),
        ("", "", b"\x89PNG\r\n"),
        ("", "", b"RIFF\x0a\x00\x00\x00WEBP"),
        *(("", "", head) for head in HEADS),
    ],
)
def test_a_file_is_known_without_a_name(disposition: str, kind: str, content: bytes) -> None:
    body = form([(f'name="main"{disposition}', kind, content), ('name="designation"', "", b"a")])
    assert refusal(_from_form, body, "XbX")[0] == 422


@pytest.mark.parametrize("value", ["null", '""', "[]", "{ }", "3", "false"])
def test_a_field_without_a_picture_is_passed_over(value: str) -> None:
    body = f'{{"designation":"a","picture":{value}}}'.encode()
    assert decode_product(body).designation == "a"


def test_other_fields_that_nobody_reads_are_passed_over() -> None:
    empty = ('name="attachment"; filename=""', "application/octet-stream", b"")
    body = form([empty, ('name="filename"', "", b""), ('name="designation"', "", b"jeu")])
    assert _from_form(body, "XbX").designation == "jeu", "what a browser sends of no file"
    assert decode_product(b'{"designation":"a","prdtypecode":10,"imageid":7}').imageid == 7
    body = form([('name="colour"', "", b"red"), ('name="designation"', "", b"jeu")])
    assert _from_form(body, "XbX").designation == "jeu"
    body = form(
        [('name="manual"; filename="m.pdf"', "", b"%PDF"), ('name="designation"', "", b"a")]
    )
    assert refusal(_from_form, body, "XbX")[0] == 422, "a file is never dropped"


def form(parts: list[tuple[str, str, bytes]], boundary: str = "XbX") -> bytes:
    """Parts by disposition, Content-Type and content."""
    lines = []
    for disposition, kind, content in parts:
        head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n"
        head += f"Content-Type: {kind}\r\n" if kind else ""
        lines.append(head.encode("latin-1") + b"\r\n" + content + b"\r\n")
    return b"".join(lines) + f"--{boundary}--\r\n".encode()


GOOD = form([('name="designation"', "", b"jeu")])


@pytest.mark.parametrize(
    ("body", "boundary", "detail"),
    [
        (GOOD, "", "its Content-Type names no boundary"),
        (GOOD, "other", "its parts are divided by 'XbX', its Content-Type names 'other'"),
        (GOOD.replace(b"\r\n", b"\n"), "XbX", "its lines end in line feeds alone"),
        (GOOD[: GOOD.rindex(b"--XbX")], "XbX", "it ends before its last boundary"),
        (b"designation=jeu", "XbX", "the boundary 'XbX' is not in it"),
        (GOOD.replace(b"form-data", b"attachment"), "XbX", "a header that is broken"),
    ],
)
def test_of_a_form_that_is_none_it_says_why(body: bytes, boundary: str, detail: str) -> None:
    status, said = refusal(_from_form, body, boundary)
    assert status == 400
    assert detail in said


def test_a_file_name_in_latin_1_harms_nobody() -> None:
    body = form([('name="image"; filename="été.jpg"', "image/jpeg", JPEG)])
    assert _from_form(body, "XbX").image == JPEG


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "utf-16", "UTF-8", ""])
def test_a_text_is_read_by_the_charset_of_its_part_or_of_its_form(charset: str) -> None:
    content = "Piscine d'été".encode(charset or "utf-8")
    kind = f"text/plain; charset={charset}" if charset else ""
    assert _from_form(form([('name="designation"', kind, content)]), "XbX") == decode_product(
        json.dumps({"designation": "Piscine d'été"}).encode()
    )
    named = [('name="_charset_"', "", charset.encode()), ('name="designation"', "", content)]
    assert _from_form(form(named), "XbX").designation == "Piscine d'été"


def test_a_charset_that_is_none_or_another_is_named() -> None:
    part = ('name="designation"', "text/plain; charset=klingon", b"jeu")
    assert refusal(_from_form, form([part]), "XbX")[1].endswith("'klingon', which is not known.")
    part = ('name="designation"', "text/plain; charset=ascii", b"\xe9")
    assert refusal(_from_form, form([part]), "XbX") == (400, "The field designation is not ascii.")
    part = ('name="designation"', "", b"\xe9")
    assert refusal(_from_form, form([part]), "XbX") == (400, "The field designation is not UTF-8.")


@pytest.mark.parametrize("name", ["idna", "punycode", "base64", "utf-7", "unicode_escape", "a\0b"])
def test_what_is_no_charset_of_texts_is_not_known(name: str) -> None:
    """Python's idna and punycode take quadratic time, and utf-7 makes halves of characters."""
    body = form([('name="_charset_"', "", name.encode()), ('name="designation"', "", b"jeu")])
    status, detail = refusal(_from_form, body, "XbX")
    assert (status, detail.endswith(f"{name!r}, which is not known.")) == (400, True)


def test_a_large_product_holds_no_more_than_a_product_needs() -> None:
    """Each member costs ten times its bytes while pictures are looked for."""
    members = b",".join(b'"%d":1' % number for number in range(MAX_TOKENS))
    body = b'{"designation":"a",%s}' % members
    assert decode_product(body).designation == "a"
    assert refusal(decode_product, body.ljust(INLINE_BYTES + 1))[0] == 413
    text = json.dumps({"designation": '"[{,' * INLINE_BYTES}).encode()
    assert len(decode_product(text).designation or "") == 4 * INLINE_BYTES


BATCH = (
    b'[{"designation":"jeu, \\"de\\" [cartes]","product_id":1},'
    b'{"seller":{"product_identifier":"c"},"product_identifier":"b","offers":[{"imageid":4}],'
    b'"description":NaN},'
    b'{"imageid":3,"designation":"d\xe9"},'
    b'{"product_id":"007","picture":"AAAA","designation":"jeu"},'
    b'{"designation":"livre","product_id":5}]'
)


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
def test_a_bad_product_of_a_batch_refuses_itself_and_keeps_its_identifiers(
    client: Client, auth: dict[str, str], kind: str
) -> None:
    body = BATCH if kind == "application/json" else BATCH[1:-1].replace(b"},{", b"}\n{")
    headers = {**auth, "Content-Type": kind}
    answer = client.post("/predict/batch", headers=headers, content=body)
    assert answer.status_code == 200, answer.text
    lines = answer.text.splitlines() if "nd" in kind else None
    results = [json.loads(line) for line in lines] if lines else answer.json()
    assert ["error" in result for result in results] == [False, True, True, True, False]
    identifiers = [(r["product_identifier"], r["product_id"], r["imageid"]) for r in results]
    assert identifiers == [
        *((None, 1, None), ("b", None, None), (None, None, 3), (None, "007", None), (None, 5, None))
    ]
    assert [result["error"]["status"] for result in results if "error" in result] == [400, 400, 422]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'[{"designation":"a"},]', "trailing comma in array (byte 21)"),
        (b'[{"designation":"a"},,{}]', "invalid character (byte 21)"),
        (b'[{"designation":"a"},{"designation":"b"', "truncated"),
        (b'[{"designation":"a"}] x', "trailing characters (byte 23)"),
        (b'[{"designation":"a}]', "truncated"),
        (b"", "truncated"),
        (b" \n", "truncated"),
    ],
)
def test_an_array_that_is_none_is_refused_as_a_whole(body: bytes, detail: str) -> None:
    status, said = refusal(_array, body, 10)
    assert status == 400
    assert detail in said
