"""Pages as authorities and people publish them, read to whole texts and the ids that a link can lead to."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.readers.html import read_html
from ingest.readers.reading import Reading

SAMPLES = Path(__file__).parent / "samples"
Sections = list[tuple[tuple[str, ...], str | None, str]]


def sections(reading: Reading) -> Sections:
    return [(section.anchor.heading, section.anchor.fragment, section.text) for section in reading.sections]


def text(page: str) -> str:
    return "\n\n".join(section.text for section in read_html(page.encode()).sections)


def test_a_page_of_the_commission() -> None:
    """Left out: cookies, breadcrumb, menus, links beside and below the text, sharing. Kept: what unfolds, figures."""
    reading = read_html((SAMPLES / "commission.html").read_bytes())
    assert sections(reading) == [
        (
            (),
            None,
            "Public procurement accounts for around 14 % of the gross domestic product of the Union. Every year, over "
            "250 000 public authorities spend it on services, works and supplies.",
        ),
        (
            ("What it is",),
            "what",
            "Innovation procurement happens when buyers acquire the development or the deployment of innovative "
            "solutions1. It takes two forms:\n\n"
            "- pre-commercial procurement (PCP), which buys research and development services:\n"
            "- solution design,\n- prototypes,\n- first test products;\n"
            "- public procurement of innovative solutions (PPI).",
        ),
        (
            ("What it is", "Can small firms take part?"),
            None,
            "Yes. Buyers often split contracts into lots so that small and medium-sized enterprises can bid without "
            "partners.",
        ),
        (
            ("How it works",),
            "how",
            "Buyers first consult the market. The deadline of the last consultation was 5 March 2026.\n\n"
            "| Design; Budget 2024: 1.2 million; Budget 2025: 1.4 million\n"
            "| Prototype; Budget 2024: to be agreed; Budget 2025: to be agreed\n\n"
            "- Publication date: 14 January 2026\n"
            "- Author: Directorate-General for Internal Market, Industry, Entrepreneurship and SMEs\n\n"
            "The phases of a pre-commercial procurement.",
        ),
    ]
    meta = reading.meta
    assert (meta.title, meta.language, meta.publisher) == ("Innovation procurement", "en", "European Commission")
    assert meta.url == "https://commission.example/innovation-procurement"


def test_a_blog() -> None:
    reading = read_html((SAMPLES / "vergabeblog.html").read_bytes())
    assert sections(reading) == [
        (
            (),
            None,
            "Im Herbst haben wir die erste vorkommerzielle Auftragsvergabe unserer Stadt abgeschlossen. Was haben wir "
            "gelernt? Hier sind unsere wichtigsten Erkenntnisse für andere öffentliche Auftraggeber.",
        ),
        (
            ("1. Früh mit dem Markt reden",),
            "frueh",
            "Wir haben zu spät gefragt. Eine offene Marktkonsultation von acht Wochen wäre richtig gewesen.\n\n"
            "Beim nächsten Mal beginnen wir ein Jahr vorher.\n\n"
            "„Ohne Dialog kauft man die Lösung von gestern.“\n\nÁgnes Szabó, Budapest",
        ),
        (
            ("2. Das geistige Eigentum klären",),
            None,
            "Die Rechte bleiben bei den Firmen, wir erhalten Nutzungsrechte. Das steht in § 3 des Rahmenvertrags:\n\n"
            "- Die Rechte gehören dem Auftragnehmer. Er trägt die Kosten der Anmeldung.\n"
            "- Der Auftraggeber darf die Ergebnisse kostenlos nutzen.\n\n"
            "vergabe --phase 1 --lose 4 vergabe --phase 2 --lose 2\n\nKurz.",
        ),
        (("2. Das geistige Eigentum klären", "Wie viel kostet das?"), None, "Rund 1,8 Mio. €."),
    ]
    assert (reading.meta.title, reading.meta.language) == ("Fünf Lehren aus unserer ersten PCP", "de")


def test_a_page_of_tables() -> None:
    assert sections(read_html((SAMPLES / "thresholds.html").read_bytes())) == [
        ((), None, "The thresholds below apply from 1 January 2026."),
        (
            ("Directive 2014/24/EU",),
            "directive-24",
            "Table 1: classic sector\n\n| Amounts without VAT\n"
            "| Works; Central: 5 404 000 €; Other: 5 404 000 €\n"
            "| Supplies; Central: 140 000 €; Other: 216 000 €\n"
            "| Services\n| Social; Central: 750 000 €; Other: 750 000 €",
        ),
        (
            ("National currencies",),
            "countries",
            "| Danmark; Currency: DKK; Works: 40 312 000\n| Danmark; Currency: EUR; Works: 5 404 000\n"
            "| Česko; Currency: CZK; Works: 135 000 000",
        ),
        (("Contact",), None, "| Office: Unit C.2\n| Telephone: +32 2 555 01 01"),
        (("Notes",), "notes", "Values are reviewed every two years.\n\n- next: 2028"),
    ]


def test_a_page_all_in_divs_in_the_encoding_that_it_declares() -> None:
    assert sections(read_html((SAMPLES / "agentura.html").read_bytes())) == [
        (
            (),
            None,
            "Regionální agentura\n\n"
            "Pomáháme obcím nakupovat nová řešení. Poradíme s potřebami, s trhem i se smlouvou, a to zdarma.\n\n"
            "Za rok 2025 jsme podpořili 37 zakázek v hodnotě 420 milionů korun. Z toho 12 zakázek bylo předobchodních."
            "\n\nKraj\n\nVysočina\n\nVíce informací na telefonu 555 010 203.\n\n"
            "Volejte v pracovní dny od devíti do patnácti hodin.\n\nVytvořeno 2026",
        )
    ]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>a<br>b<br><br>c</p>", "a b\n\nc"),
        ("<p>Art. <a href='#5'>5</a>, m<sup>2</sup><sup><a href='#f'>12</a></sup> <a href='#g'>[3]</a></p>", "Art. 5, m2"),
        ("<dl><dt>PCP<dt>PPI<dd>ways<dd>forms<dt>Why?<dd>Because<ul><li>x<li>y</ul></dl>", "- PCP, PPI: ways\n- PCP, PPI: forms\n- Why? Because x; y"),
        ("<dl><dt>alone</dl>", "- alone"),
        ("<ul><li>a<ul><li>b</ul>c<li><p>d<p>e</ul>", "- a\n- b\n- c\n- d e"),
        ("<ul><li><h3>Card</h3><p>Text.</p></ul>", "Text."),
        ("<div hidden>no</div><div hidden=until-found>found later</div><p style='display: none'>no<p>yes</p><span class=sr-only>no</span>", "found later\n\nyes"),
        ("<form><p>no</form><form><h1>T</h1><p>page in a form</form>", "page in a form"),
        ("<body class=cookie-page><p>yes</p><div class=CookieBar>no</div><div role=dialog>no</div><script>no</script>", "yes"),
        ("<header>no</header><article><header><p>lead of it</p></header>its own, longer text</article><footer>no</footer><aside>no</aside>", "lead of it\n\nits own, longer text"),
        ("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><title/><script/><p>a<a id='x'/>b<br/>c</p></html>", "ab c"),
        ("<h2><button>Q</button></h2><button>no</button><p>A", "A"),
        ("<table><tr><th>only<th>head</table>", "| only: head"),
        ("<table><tr><td>K<td>V<tr><td>a<td>b</table>", "| a; V: b"),
        ("<table><tr><td rowspan=x colspan=99999>a<td>b</table>", "| a" + "; a" * 29 + "; b"),
        ("<table role=presentation><tr><td>a<td>b</table>", "a\n\nb"),
        ("<table><thead><tr><th>K<th hidden>no<th>V</thead><tr><td>a<td style='display:none'>no<td>b</table>", "| a; V: b"),
        ("<table><caption hidden>no</caption><tr><td>K<td>V<tr><td>a<td>b<tbody hidden><tr><td>no<td>no</table>", "| a; V: b"),
        ("<dl><div hidden><dt>no<dd>no</div><div><dt>PCP<dd hidden>no<dd>way</div></dl>", "- PCP: way"),
        ("<p>By <s>1 March</s> <span style='text-decoration:line-through'>5</span> 15 March</p><del><p>gone</p></del><p>so", "By 15 March\n\nso"),
        ("<div>" * 300 + "deep", "deep"),
        ("<frameset>", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_blocks(page: str, expected: str) -> None:
    assert text(page) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<h2 id=own>A</h2>", "own"),
        ("<h2>A<a name=inner></a></h2>", "inner"),
        ("<a name=old></a>\n<h2>A</h2>", "old"),
        ("<p><a id=old></a></p><h2>A</h2>", "old"),
        ("<p id=p>words</p><h2>A</h2>", None),
        ("<section id=s><h2>A</h2>", "s"),
        ("<section id=s><h2>Z</h2><h2>A</h2>", None),
        ("<details id=d><summary>A</summary>", "d"),
        ("<div id=d><h2>A is it</h2>", None),
    ],
)
def test_ids(page: str, expected: str | None) -> None:
    (*_, last) = read_html(f"{page}<p>Text under the heading.</p>".encode()).sections
    assert last.anchor.fragment == expected


def test_a_paragraph_all_in_bold_is_a_heading() -> None:
    page = b"""<h1>Guide</h1><p>Start here.</p><p><span><strong>Who may</strong></span></p><p><b>Who</b> <b>may bid? </b><br></p>
        <p>Any <b>firm</b>.</p><div><b>Price</b> and quality</div><ul><li><p><b>alone</b></p></li></ul>"""
    assert sections(read_html(page)) == [
        ((), None, "Start here."),
        (("Who may", "Who may bid?"), None, "Any firm.\n\nPrice and quality\n\n- alone"),
    ]


def test_dates_marked_as_such_do_not_cost_their_paragraph() -> None:
    """trafilatura takes <time> out with its text."""
    long = (
        "Public buyers purchase the development of new solutions before they exist on the market, and share the risks."
    )
    more = (
        "Its results are tested by the buyers in their own hospitals, schools and town halls before any firm is chosen."
    )
    ends = "<p>It ends on <time>5 May at noon</time>.</p>"
    page = (
        f"<html><body><main><article><h1>T</h1><p>{long}</p>{ends}<p>{more} {long}</p></article></main></body></html>"
    )
    assert text(page) == f"{long}\n\nIt ends on 5 May at noon.\n\n{more} {long}"


def test_after_what_unfolds_its_section_goes_on() -> None:
    page = "<h2 id=a>A</h2><p>One.</p><details><summary>Who may bid?</summary><p>Any firm.</p></details><p>Two.</p>"
    assert sections(read_html(page.encode())) == [
        (("A",), "a", "One."),
        (("A", "Who may bid?"), None, "Any firm."),
        (("A",), "a", "Two."),
    ]


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("<meta charset=windows-1250>", "cp1250"),
        ("<meta http-equiv='Content-Type' content='text/html; charset=iso-8859-2'>", "iso-8859-2"),
        ("<meta charset=windows-1250>", "utf-16"),
        ("<meta charset=windows-1250>", "utf-8-sig"),
        ("<meta charset=unicode_escape>", "utf-8"),
        ("<meta charset=windows-9999>", "utf-8"),
        ("", "utf-8"),
    ],
)
def test_encodings(head: str, encoding: str) -> None:
    assert sections(read_html(f"{head}<p>Zażółć gęślą jaźń".encode(encoding))) == [((), None, "Zażółć gęślą jaźń")]
