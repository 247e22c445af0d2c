"""The page against those who mean harm: markup in listings, other sites, other people's scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from serving.routes.about import STATIC
from tests.support.browser import Visit
from tests.support.process import Process, answering
from tests.support.service import PASSWORD, USER
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

Visits = Callable[..., Visit]
SCRIPTS = sorted(path for path in STATIC.glob("*.js") if path.name != "schema.js")
MOST_BYTES = 60_000
HARM = (
    'quelque chose <img src=x onerror="window.harmed=1"><script>window.harmed=1</script>'
    "<svg onload='window.harmed=1'>\"'><b onmouseover=window.harmed=1 style=color:red>b</b>"
    "&lt;script&gt;window.harmed=1&lt;/script&gt;{label}"
)


def test_scripts_are_small_and_say_what_they_are_for() -> None:
    assert sum(path.stat().st_size for path in SCRIPTS) < MOST_BYTES
    for path in SCRIPTS:
        text = path.read_text(encoding="utf-8")
        assert re.match(r"// \S.*\.\n", text), path.name
        forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
        assert not re.search(forbidden, text), path.name
        assert "://" not in text, path.name


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    page = (STATIC / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?! type=\"module\" src=)", page)
    assert "://" not in page + (STATIC / "page.css").read_text(encoding="utf-8")


def test_every_text_is_there_in_both_languages() -> None:
    page = (STATIC / "page.html").read_text(encoding="utf-8")
    entry = r'<p data-key="([\w.-]+)"><span lang="fr">(.+?)</span> <span lang="en">(.+?)</span></p>'
    texts = {key: (french, english) for key, french, english in re.findall(entry, page)}
    assert len(texts) == page.count("data-key=")
    for key, pair in texts.items():
        french, english = (set(re.findall(r"\{\w+\}", text)) for text in pair)
        assert french == english, key
    assert set(re.findall(r'data-(?:text|label|alt)="([^"]+)"', page)) <= set(texts)


def test_the_policy_lets_nothing_else_in(service: Process) -> None:
    headers = {"Accept": "text/html"}
    answer = service.client.get("/", headers=headers)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_markup_of_a_listing_stays_text(visit: Visits, service: Process) -> None:
    headers = service.log_in("ann")
    for title in (HARM, f"piscine {HARM}"):
        product = {"designation": title, "description": HARM}
        service.client.post("/predict", headers=headers, json=product).raise_for_status()
    wait_until(lambda: service.client.get("/review", headers=headers).json()["waiting"] > 0)
    visitor = visit()
    page = visitor.enter("ann")
    page.locator("#designation").fill(f"piscine livre {HARM}")
    page.locator("#description").fill(f"piscine {HARM}")
    page.locator("#ask-button").click()
    expect(page.locator("#ask-answer")).not_to_be_empty()
    page.locator("#ask-explain").click()
    expect(page.locator(".why mark").first).to_be_visible()
    page.locator("nav a[href='#table']").click()
    csv = f'designation\n"{HARM.replace(chr(34), chr(34) * 2)}"\n'.encode()
    file: Any = {"name": "<img src=x onerror=window.harmed=1>.csv", "mimeType": "", "buffer": csv}
    page.locator("#csv").set_input_files(file)
    page.locator("#table-start").click()
    expect(page.locator("#answers td.text")).to_have_text(HARM[:200])
    page.locator("#nav-review").click()
    expect(page.locator("#review-designation")).to_have_text(HARM)
    expect(page.locator("#review-description")).to_contain_text("quelque chose window.harmed=1")
    assert page.evaluate("window.harmed") is None
    assert page.locator("main svg, main script, main b[style]").count() == 0
    origins = {urlsplit(address).netloc for address in visitor.asked if "://" in address}
    assert origins <= {f"127.0.0.1:{service.port}", ""}


def test_the_model_card_is_text_too(visit: Visits) -> None:
    """What the card holds, and titles of confused products, come from a catalogue."""
    visitor = visit()
    page = visitor.enter(USER)
    pair = {"actual": 1, "actual_label": HARM, "predicted": 2, "predicted_label": HARM}
    card = f"""# Card

A **bold** `code`, a [link](javascript:window.harmed=1) and ![no](x.png).

- {HARM}
- two\\_three

| a | b |
| --- | ---: |
| {HARM} | 1 |

## Below

```
# {HARM}
```
"""
    quality = {
        "model": "x.dir",
        "since": 1_700_000_000.0,
        "card": card,
        "codes": [
            {"code": 10, "label": "b", "f1": 0.5, "precision": 1, "recall": 0.25, "support": 3},
            {"code": 9, "label": HARM, "f1": 0.75, "precision": 1, "recall": 1, "support": 1},
        ],
        "confused": [{**pair, "count": 2, "examples": [HARM]}],
        "drift": [
            {"feature": "codes", "products": 5, "distance": 0.3, "threshold": 0.1, "drifted": True}
        ],
        "reviewed": {"right": 9, "products": 10, "low": 0.6, "high": 0.98, "promised": 0.95},
    }
    page.route("**/model/quality", lambda route: route.fulfill(json=quality))
    page.locator("nav a[href='#model']").click()
    expect(page.locator("#model-card h3")).to_have_text("Card")
    expect(page.locator("#model-card h4")).to_have_text("Below")
    expect(page.locator("#model-card p")).to_have_text("A bold code, a link and .")
    assert page.locator("#model-card li").all_text_contents() == [HARM, "two_three"]
    expect(page.locator("#model-card td").nth(1)).to_have_class("number")
    expect(page.locator("#model-card pre")).to_have_text(f"# {HARM}")
    expect(page.locator("#model-card :is(a, img)")).to_have_count(0)
    expect(page.locator("#model-reviewed")).to_contain_text("9 of 10 accepted answers")
    expect(page.locator("#model-reviewed")).to_contain_text("90% (interval 60% to 98%)")
    expect(page.locator("#model-drift .bad")).to_have_text("has drifted")
    expect(page.locator("#model-confused li")).to_have_text(HARM)
    codes = page.locator("#model-codes tbody td:first-child")
    assert codes.all_text_contents() == ["10", "9"]
    page.get_by_role("button", name="Code", exact=True).click()
    assert codes.all_text_contents() == ["9", "10"]
    page.get_by_role("button", name="F1").click()
    assert codes.all_text_contents() == ["10", "9"]
    page.get_by_role("button", name="F1").click()
    expect(page.locator("#model-codes [aria-sort=descending]")).to_have_text("F1")
    assert codes.all_text_contents() == ["9", "10"]
    assert page.evaluate("window.harmed") is None


def other_site(target: str) -> type[BaseHTTPRequestHandler]:
    """A page of another origin that sends a form to the service, and asks it by script."""
    content = f"""<!doctype html><title>other</title>
<form method="post" enctype="text/plain" action="{target}/corrections">
<input name='{{"designation":"piscine","code":10,"note":"' value='"}}'></form>
<script>
const ask = (path, options) => fetch("{target}" + path, {{credentials: "include", ...options}})
    .then((response) => "answered " + response.status, () => "refused");
const json = {{method: "POST", headers: {{"Content-Type": "application/json"}},
    body: JSON.stringify({{designation: "piscine", code: 10}})}};
const plain = {{...json, headers: {{"Content-Type": "text/plain"}}}};
const blind = {{...plain, mode: "no-cors"}};
Promise.all([ask("/session"), ask("/corrections", json), ask("/corrections", plain),
    ask("/corrections", blind), ask("/login", blind)])
    .then((all) => {{ window.all = all; }});
</script>""".encode()

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Site


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_site_can_do_nothing_for_who_is_logged_in(
    visit: Visits, service: Process, host: str
) -> None:
    """From another port of the same host the cookie goes along, for ports are no border to it: the
    CSRF token is what is missing. From another host there is not even the cookie."""
    visitor = visit()
    page = visitor.enter("ann")
    target = f"http://127.0.0.1:{service.port}"
    headers = service.log_in("ann")

    def mine() -> int:
        return int(service.client.get("/review", headers=headers).json()["mine"])

    before = mine()
    with answering(other_site(target)) as address:
        page.goto(address.replace("127.0.0.1", host))
        page.wait_for_function("window.all")
        answers = page.evaluate("window.all")
        # No-cors is sent, and nothing of its answer is seen: it is opaque, of status 0.
        assert answers == ["refused", "refused", "refused", "answered 0", "answered 0"]
        with page.expect_response("**/corrections") as sent:
            page.evaluate("document.forms[0].submit()")
        assert sent.value.status == {"127.0.0.1": 403, "localhost": 401}[host]
    visitor.wrong.clear()  # the console tells what was refused to the other site
    assert mine() == before
    frame = service.client.post("/login", data={"username": "ann", "password": PASSWORD})
    assert frame.status_code == 415, "a form of another site logs nobody in"
