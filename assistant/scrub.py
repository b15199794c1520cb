"""Text without personal data: addresses, numbers of people and accounts, names in introductions and greetings.

Numbers that say something about procurement stay: amounts (of nine digits and more only with their currency, or as a
range), years, dates, laws, CPV codes, calls. To add a language, add a line to PHRASES; to spare another kind of number,
add a pattern to KEPT. Names in the midst of a sentence stay: the documents have names too, and questions about them are
to be understood.
"""

from __future__ import annotations

import re

GONE = "[…]"

# By language, as alternatives of a regular expression: introductions, closings of a letter, greetings, titles.
PHRASES: dict[str, tuple[str, str, str, str]] = {
    "bg": (
        "казвам се|името ми е",
        "поздрави|с уважение",
        "здравейте|уважаем[аи]|скъп[аи]",
        "г-н|г-жа|господин|госпожо",
    ),
    "cs": (
        "jmenuji se|jmenuju se|mé jméno je",
        "s pozdravem|s úctou|zdraví",
        "dobrý den|ahoj|vážený|vážená|milá|milý",
        "pane|paní",
    ),
    "da": ("jeg hedder|mit navn er", "venlig hilsen|mvh|hilsen", "kære|hej|goddag", "hr|fru"),
    "de": (
        "ich heiße|ich heisse|mein name ist|mein name lautet",
        "freundlichen grüßen|freundlichen grüssen|viele grüße|liebe grüße|beste grüße|mfg|gruß|hochachtungsvoll",
        "sehr geehrter|sehr geehrte|liebe|lieber|hallo|guten tag|guten morgen",
        "herr|herrn|frau",
    ),
    "el": (
        "με λένε|ονομάζομαι|λέγομαι|το όνομά μου είναι",
        "με εκτίμηση|χαιρετισμούς|φιλικά",
        "αγαπητέ|αγαπητή|γεια σας|καλημέρα|καλησπέρα",
        "κύριε|κυρία|κ",
    ),
    "en": (
        "my name is|my name's|i am called",
        "kind regards|best regards|warm regards|regards(?=[,\n])|sincerely|best wishes|yours truly",
        "dear|hello|hi|good morning|good afternoon",
        "mr|mrs|ms|miss|dr|prof|professor",
    ),
    "es": (
        "me llamo|mi nombre es",
        "saludos|un saludo|atentamente|cordialmente",
        "hola|estimado|estimada|buenos días|buenas tardes",
        "sr|sra|señor|señora|don|doña",
    ),
    "et": ("minu nimi on|mu nimi on", "lugupidamisega|parimate soovidega|tervitades", "tere|lugupeetud", "härra|proua"),
    "fi": (
        "nimeni on|minun nimeni on|olen nimeltäni",
        "ystävällisin terveisin|terveisin|terv",
        "hei|hyvä|moi",
        "herra|rouva",
    ),
    "fr": (
        "je m['’]appelle|mon nom est",
        "cordialement|bien à vous|salutations|sincères salutations",
        "bonjour|cher|chère|salut",
        "monsieur|madame|mademoiselle|mme|mlle|m",
    ),
    "ga": ("is mise|mise|m['’]ainm ná", "le meas|le gach dea-ghuí|beir bua", "a chara|dia duit", "an tuasal"),
    "hr": (
        "zovem se|moje ime je|ime mi je",
        "srdačan pozdrav|lijep pozdrav|s poštovanjem",
        "poštovani|poštovana|dragi|draga|bok",
        "gospodine|gospođo",
    ),
    "hu": ("a nevem|nevem", "üdvözlettel|tisztelettel|üdv", "kedves|tisztelt|szia", "úr|asszony"),
    "it": (
        "mi chiamo|il mio nome è",
        "cordiali saluti|distinti saluti|saluti",
        "gentile|egregio|caro|cara|ciao|buongiorno|buonasera|salve",
        "signor|signora|signore|sig|sig.ra|dott|dottoressa",
    ),
    "lt": (
        "mano vardas|aš vardu|mano vardas yra",
        "pagarbiai|geriausi linkėjimai",
        "gerbiamas|gerbiama|sveiki|labas",
        "ponas|pone|ponia",
    ),
    "lv": (
        "mani sauc|mans vārds ir",
        "ar cieņu|sveicieni|ar sveicieniem",
        "cienījamais|cienījamā|sveiki|labdien",
        "kungs|kundze",
    ),
    "mt": (
        "jisimni|jien jisimni|ismi hu|ismi hi",
        "tislijiet|dejjem tiegħek|b['’]rispett",
        "għażiż|għażiża|bonġu",
        "sur|sinjur|sinjura",
    ),
    "nl": (
        "ik heet|mijn naam is",
        "vriendelijke groet|vriendelijke groeten|groeten|groetjes|hoogachtend",
        "beste|geachte|hallo|hoi|goedemorgen|goedendag",
        "heer|mevrouw|meneer|mw|dhr",
    ),
    "pl": (
        "nazywam się|mam na imię|moje imię to",
        "pozdrawiam|z poważaniem|pozdrowienia",
        "szanowny|szanowna|drogi|droga|cześć|witam|dzień dobry",
        "pan|panie|pani",
    ),
    "pt": (
        "chamo-me|o meu nome é|meu nome é|me chamo",
        "cumprimentos|atenciosamente|saudações",
        "olá|caro|cara|prezado|prezada|exmo|exma|bom dia|boa tarde",
        "sr|sra|senhor|senhora|dr|dra",
    ),
    "ro": (
        "mă numesc|ma numesc|numele meu este|mă cheamă",
        "cu stimă|cu respect|salutări|toate cele bune",
        "bună|bună ziua|stimate|stimată|dragă|salut",
        "domnule|doamnă|doamna|domnul",
    ),
    "sk": ("volám sa|moje meno je", "s pozdravom|s úctou", "dobrý deň|ahoj|vážený|vážená|milá|milý", "pán|pane|pani"),
    "sl": (
        "ime mi je|moje ime je|imenujem se",
        "lep pozdrav|s spoštovanjem|lp",
        "spoštovani|spoštovana|dragi|draga|pozdravljeni",
        "gospod|gospa",
    ),
    "sv": (
        "jag heter|mitt namn är",
        "vänliga hälsningar|med vänlig hälsning|mvh|hälsningar",
        "hej|bästa|käre|kära",
        "herr|fru",
    ),
}

# Said before two capitalised words, it is a name; before one it may be what somebody is.
I_AM = "i am|i['’]m|this is|ich bin|hier ist|je suis|soy|ik ben|jestem|sou|jag är|jeg er|olen|eu sunt"

_UPPER = f"[{''.join(filter(str.isupper, map(chr, range(0x530))))}]"  # Latin, Greek, Cyrillic
_NAME = rf"{_UPPER}(?:[\d_A-Z'’-]*[^\W\d_A-Z][\w'’-]*|\.)"  # not an acronym
_NAMES = rf"{_NAME}(?:\s+(?:(?:van|von|der|den|de|di|da|del|della|dos|la|le|zu|af|ter|ní|ó|Ní|Ó)\s+)*{_NAME}){{0,3}}"
_END = r"(?=\s*(?:[,!.:;\n–-]|$))"


def _said(place: int) -> str:
    """The phrases of one place in every language, the longest first."""
    every = {phrase for phrases in PHRASES.values() for phrase in phrases[place].split("|")}
    return "|".join(sorted(every, key=len, reverse=True))


_TITLES = rf"(?:(?i:{_said(3)})\.?\s+)"
NAMES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?P<said>\b(?i:{_said(0)})\s*:?\s+)(?:{_NAMES}|[^\W\d_]+)",
        rf"(?P<said>\b(?i:{I_AM})\s+){_NAME}\s+{_NAMES}",
        rf"(?P<said>\b(?i:{_said(1)})\s*[,!.:–-]*\s+){_NAMES}",
        rf"(?P<said>\b(?i:{_said(2)})\s+{_TITLES}+){_NAMES}",
        rf"(?P<said>\b(?i:{_said(2)})\s+){_NAMES}{_END}",
        rf"(?P<said>\b(?i:thanks|thank you|danke|merci|gracias|grazie|dziękuję|děkuji)\s*[,!.–-]*\s+){_NAMES}(?=\s*$)",
    )
)

ADDRESSES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:https?://|ftp://|www\.)(?=[^\s?@]*(?:[?@]|/~|/in/|/u/|/users?/|/profiles?/))\S+",
        r"[\w.+'-]{1,64}(?:@|\s?[\[(](?:at|ät|arroba)[\])]\s?)[\w-]{1,63}(?:(?:\.|\s?[\[(](?:dot|punkt)[\])]\s?)[\w-]{1,63})+",
        r"(?<!\w)@[a-z]\w{2,30}",
    )
)

IBAN = re.compile(r"\b([A-Z]{2})\d\d(?:[ -]?[A-Z0-9]){11,30}", re.IGNORECASE | re.ASCII)
IBAN_LENGTHS = {
    "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18,
    "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "MD": 24, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "RS": 22, "SE": 24, "SI": 19,
    "SK": 24, "TR": 26, "UA": 29,
}  # fmt: skip

_CODES = "EUR|USD|GBP|PLN|CZK|HUF|RON|BGN|SEK|DKK|CHF|NOK|ISK"
_CODE = rf"(?:€|\$|£|\b(?:{_CODES}|[Ee]uros?))"
_MONEY = (
    rf"(?:€|\$|£|{_CODES}|Kč|Ft|lei|kr|лв|(?i:eur\w*|e[iv]ro\w*|ευρώ|евро|ewro|zł\w*|kron\w*|korun\w*)|"
    r"[Mm]il[ijl]\w*|[Mm]l[nd]|Mio|Mrd|милион\w*|εκατ\w*)"
)
_SPACE = r"[ .,'’\u00a0\u202f]"
_CENTS = r"(?:[.,]\d{1,2})?"
_AMOUNT = rf"[1-9]\d{{0,2}}(?:{_SPACE}\d{{3}})+{_CENTS}"
_MILLIONS = rf"[1-9]\d{{0,2}}(?:{_SPACE}\d{{3}}){{2,}}{_CENTS}"
_ROUND = r"[1-9]\d{0,2}(?:[ .\u00a0\u202f]\d{3})+[ .\u00a0\u202f]000"
_SMALL = rf"[1-9](?:\d{{0,2}}|\d?{_SPACE}\d{{3}}){_SPACE}\d{{3}}{_CENTS}"  # nine digits may be a telephone
_DASH = r" ?[-–] ?"
_AND = (  # and up to
    "and|to|und|bis|et|à|y|e|a|al|do|i|in|až|és|și|til|og|till|och|tot|en|ja|kuni|līdz|un|iki|ir|agus|go|u|sa|έως|και|до|и"
)
_TO = rf"(?:{_DASH}| (?:{_AND}) )"
_NO_MORE = r"(?![ ./\u00a0\u202f-]?\d)"
_YEAR = r"(?:19|20)\d\d"
# Tried at a place in the text in this order: what is KEPT is passed over whole.
KEPT = (
    rf"\b[A-Z][A-Z0-9]{{1,30}}(?:-[A-Z0-9]{{1,30}}){{0,6}}-{_YEAR}(?:-[A-Z0-9]+)*\b",  # calls
    rf"(?<!\d){_YEAR}/S \d{{3}}-\d{{5,6}}\b|\b\d{{5,8}}-{_YEAR}{_NO_MORE}",  # notices in the Official Journal
    rf"\b\d{{8}}-\d{_NO_MORE}",  # CPV
    rf"\b[1-9]\d{{0,3}}/\d{{1,4}}(?:/[^\W\d_]{{2,4}}\b)?{_NO_MORE}",  # laws
    rf"\b\d{{4}}-\d\d-\d\d{_NO_MORE}|\b\d{{1,2}}(?P<dot>[./-]) ?\d{{1,2}}(?P=dot) ?(?:{_YEAR}|\d\d){_NO_MORE}",  # dates
    rf"\b{_YEAR}(?: ?[-–/] ?{_YEAR}| {_YEAR})*{_NO_MORE}",  # years
    rf"\b\d{{1,2}}[.:]\d\d ?[-–] ?\d{{1,2}}[.:]\d\d{_NO_MORE}",  # times
    rf"{_CODE} ?(?:{_MILLIONS}{_TO}{_MILLIONS}|\d(?:{_SPACE}?\d)*)",
    rf"(?<!\w)(?:{_MILLIONS}{_TO}{_MILLIONS}|\d(?:{_SPACE}?\d){{0,24}})[ \u00a0\u202f]?{_MONEY}(?!\w)",
    rf"(?<!\w)(?:{_SMALL}(?:{_DASH}{_AMOUNT})*|{_ROUND}{_DASH}{_ROUND}){_NO_MORE}",  # amounts of no currency
)
_CALL = (
    r"(?:tele?(?:ph|f)on\w*|tel|téléphone|teléfono|τηλέφωνο|τηλ|телефон|puhelin|mobile?|handy|cell|gsm|móvil|"
    r"telemóvel|whatsapp|call me|ring me|fax)"
)
_LINK = r"(?:number|nr|no|num\w*|is|ist|est|es|è|on|at)"
_GAP = r"[ ./()\u00a0\u202f-]"
PERSONAL = (
    rf"\b(?i:{_CALL})[\s.:]*(?:{_LINK}[\s.:]+){{0,2}}[+(]*\d(?:{_GAP}{{0,2}}\d){{5,}}",
    rf"(?<!\w)(?:\+|00)\(?[1-9](?:{_GAP}{{0,3}}\d){{6,14}}",  # telephone, from abroad
    rf"(?<![\w.,/-])\(?0[1-9](?:{_GAP}{{0,3}}\d){{6,10}}",  # and from the country
    r"\b\d\d(?:[ \u00a0\u202f]\d\d){3,4}\b",
    r"\b(?:\d{6}[-+A]\d{3}[0-9A-Z]|\d{8}[A-Z]|[XYZ]\d{7}[A-Z]|\d{7}[A-Z]{1,2}|[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z])\b",
    r"\b[A-Z]{2}\d{8,12}\b",
    r"(?<![\w])\d(?:[ ./\u00a0\u202f-]{0,2}\d){8,}",  # cards and whatever else is as long
)
NUMBERS = re.compile(f"(?P<kept>{'|'.join(KEPT)})|(?:{'|'.join(PERSONAL)})")


def scrub(text: str) -> str:
    """`text` with "[…]" for what may tell who wrote it."""
    for pattern in ADDRESSES:
        text = pattern.sub(GONE, text)
    text = IBAN.sub(_without_iban, text)
    text = NUMBERS.sub(lambda found: found[0] if found["kept"] else GONE, text)
    for pattern in NAMES:
        text = pattern.sub(lambda found: found["said"] + GONE, text)
    return text


def _without_iban(found: re.Match[str]) -> str:
    """The match without the account number that it begins with, if its check digits are right (ISO 13616)."""
    length, end, seen = IBAN_LENGTHS.get(found[1].upper(), 0), 0, ""
    while len(seen) < length and end < len(found[0]):
        seen += found[0][end].strip(" -").upper()
        end += 1
    digits = "".join(str(int(char, 36)) for char in seen[4:] + seen[:4])
    if not length or len(seen) < length or int(digits) % 97 != 1:
        return found[0]
    return GONE + found[0][end:]
