"""Makes manual.epub of this folder, as a publisher's program writes EPUB 3: `python make_book.py`."""

import zipfile
from pathlib import Path

CONTAINER = """<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:isbn:0</dc:identifier>
<dc:title>Podręcznik zamówień
  na innowacje</dc:title><dc:language>pl-PL</dc:language></metadata>
<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="c2" href="text/rozdzia%C5%82%202.xhtml" media-type="application/xhtml+xml"/>
<item id="c1" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="notes" href="text/notes.xhtml" media-type="application/xhtml+xml"/>
<item id="font" href="fonts/a.otf" media-type="font/otf"/><item id="css" href="a.css" media-type="text/css"/></manifest>
<spine><itemref idref="nav"/><itemref idref="c1"/><itemref idref="notes" linear="no"/><itemref idref="c2"/></spine></package>"""
HEAD = """<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title/><script src="a.js"/></head>"""
FILES = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "META-INF/encryption.xml": """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:EncryptionMethod
Algorithm="http://www.idpf.org/2008/embedding"/><enc:CipherData><enc:CipherReference URI="EPUB/fonts/a.otf"/>
</enc:CipherData></enc:EncryptedData></encryption>""",
    "EPUB/package.opf": PACKAGE,
    "EPUB/nav.xhtml": HEAD
    + """<body><p>Spis treści</p><nav epub:type="toc"><ol><li><a href="text/one.xhtml">Etapy</a></li>
<li><a href="text/rozdzia%C5%82%202.xhtml">Umowa</a></li></ol></nav></body></html>""",
    "EPUB/text/one.xhtml": HEAD
    + """<body><section epub:type="part" id="part-1"><h1>Podręcznik zamówień na innowacje</h1>
<p>Dla zamawiających&#160;publicznych.</p><section id="etapy"><h2>Etapy</h2><a id="p12"/><p>Są trzy etapy<a
epub:type="noteref" href="#n1">1</a>:</p><ol><li>projekt</li><li>prototyp</li></ol><h3 id="koszt">Koszt</h3>
<p>Około 2&nbsp;mln&nbsp;zł.</p></section></section></body></html>""",
    "EPUB/text/notes.xhtml": HEAD + "<body><p>Nie czytać.</p></body></html>",
    "EPUB/text/rozdział 2.xhtml": HEAD
    + """<body><p>Ciąg dalszy kosztów.</p><h2>Umowa</h2><dl><dt>PCP</dt><dd>zamówienie przedkomercyjne</dd></dl>
<table><tr><th>Etap</th><th>Miesiące</th></tr><tr><td>projekt</td><td>6</td></tr></table>
<aside><p>Prawa zostają u wykonawcy.</p></aside></body></html>""",
    "EPUB/fonts/a.otf": "no font",
    "EPUB/a.css": "",
}

with zipfile.ZipFile(Path(__file__).parent / "manual.epub", "w", zipfile.ZIP_DEFLATED) as archive:
    for name, text in FILES.items():
        archive.writestr(zipfile.ZipInfo(name), text)
