"""The pages as files: complete in themselves, named by their content, safe by their headers."""

import re

import aiohttp

from gateway.problems import Code
from gateway.site import PAGES, Site as Files
from tests.pages.conftest import Opened, Site

PATHS = ("/", "/sales/spring", "/sales/spring/fairness", "/kiosk", "/console", "/partner", "/docs")


async def test_every_page_and_all_it_asks_for_is_served(
    site: Site, http: aiohttp.ClientSession
) -> None:
    """Each page answers with its policy, and each file that it names is there for ever."""
    for path in PATHS:
        async with http.get(site.url + path) as page:
            assert page.status == 200, path
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
            assert page.headers["X-Content-Type-Options"] == "nosniff"
            text = await page.text()
        named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', text)
        assert named, path
        for asset in named:
            async with http.get(site.url + asset) as file:
                assert file.status == 200, asset
                assert "immutable" in file.headers["Cache-Control"]


async def test_what_a_client_has_is_not_sent_again(site: Site, http: aiohttp.ClientSession) -> None:
    """304 for the same ETag; compressed for who can read that."""
    async with http.get(site.url + "/kiosk") as first:
        tag = first.headers["ETag"]
    async with http.get(site.url + "/kiosk", headers={"If-None-Match": tag}) as again:
        assert again.status == 304
        assert await again.read() == b""
    css = f"{site.url}/assets/{Files.read().digest}/common/base.css"
    async with http.get(css, headers={"Accept-Encoding": "gzip"}) as small:
        assert small.headers["Content-Encoding"] == "gzip"
        assert await small.read() == (PAGES / "common" / "base.css").read_bytes()


async def test_a_page_of_another_version_still_works(
    site: Site, http: aiohttp.ClientSession
) -> None:
    """While a version is being replaced, a file is found by the other's digest, to be used once."""
    async with http.get(f"{site.url}/assets/{'0' * 16}/common/base.css") as other:
        assert other.status == 200
        assert other.headers["Cache-Control"] == "no-store"


async def test_nothing_else_is_served(site: Site, http: aiohttp.ClientSession) -> None:
    """No page's source, no way out of the folder."""
    for path in ("home/index.html", "../site.py", "%2e%2e/site.py", "common/none.css"):
        async with http.get(f"{site.url}/assets/{'0' * 16}/{path}") as answer:
            assert answer.status in (404, 422), path


async def test_every_problem_has_words(site: Site, open_page: Opened) -> None:
    """Every code of every refusal is said in both languages, without a hole."""
    page = await open_page(site.url + "/")
    said = await page.evaluate(
        """async ([base, codes]) => {
            const { problemText } = await import(`${base}/common/problems.js`);
            const { setLang } = await import(`${base}/common/i18n.js`);
            const facts = { detail: "d", limit: 2, left: 1, seats: ["F1"], venue: "v",
                            state: "open", from_ms: 1, until_ms: 2, expected_minor: 380 };
            return ["en", "zh"].flatMap((lang) => {
                setLang(lang);
                return codes.map((code) => [lang, code, problemText({ code, ...facts })]);
            });
        }""",
        [f"/assets/{Files.read().digest}", [code.code for code in Code]],
    )
    for lang, code, text in said:
        assert text not in ("", "d", code), (lang, code)
        assert "{" not in text, text
        assert (re.search(r"[\u4e00-\u9fff]", text) is not None) == (lang == "zh"), text
