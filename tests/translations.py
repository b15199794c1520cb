"""True translations of sentences of the corpus, for a model that answers in the language of the question."""

from __future__ import annotations

TRANSLATED: dict[str, dict[str, str]] = {
    "de": {
        "From 1 January 2026 to 31 December 2027 the EU threshold for supplies and services bought by a sub-central "
        "authority (a city, municipality, region or other local authority) is EUR 216 000 without VAT.": (
            "Vom 1. Januar 2026 bis 31. Dezember 2027 beträgt der EU-Schwellenwert für Lieferungen und Dienstleistungen, "
            "die eine Stadt, Gemeinde, Region oder andere lokale Behörde kauft, 216 000 EUR ohne Mehrwertsteuer."
        ),
        "The 2026-2027 threshold of EUR 216 000 for local authorities also holds for their design contests.": (
            "Der Schwellenwert von 216 000 EUR für lokale Behörden gilt 2026-2027 auch für ihre Wettbewerbe."
        ),
        "From 1 January 2026 to 31 December 2027 the EU threshold for supplies and services bought by central "
        "government (for example a ministry) is EUR 140 000 without VAT.": (
            "Vom 1. Januar 2026 bis 31. Dezember 2027 beträgt der EU-Schwellenwert für Lieferungen und Dienstleistungen, "
            "die die Zentralregierung kauft, zum Beispiel ein Ministerium, 140 000 EUR ohne Mehrwertsteuer."
        ),
    },
    "es": {
        "The Andalusian Healthcare Service in Spain coordinates (leads) Procure4Health.": (
            "El Servicio Andaluz de Salud de España coordina Procure4Health."
        ),
        "At the kick-off meeting of Procure4Health in Malaga, 33 organisations from 15 countries took part.": (
            "En la reunión inicial de Procure4Health en Málaga participaron 33 organizaciones de 15 países."
        ),
        "A public authority must pay a supplier's invoice within 30 days under EU law on late payment.": (
            "Una autoridad pública debe pagar la factura de un proveedor en un plazo de 30 días según el Derecho de la UE "
            "sobre morosidad."
        ),
        "The payment term of a public authority may be 60 days only in exceptional cases, for example in health care.": (
            "El plazo de pago de una autoridad pública puede ser de 60 días solo en casos excepcionales, por ejemplo en la "
            "asistencia sanitaria."
        ),
    },
    "fr": {
        "The funding rate for a pre-commercial procurement (PCP) action under Horizon Europe is 100% of the eligible "
        "costs.": (
            "Le taux de financement d'une action d'achat public avant commercialisation (PCP) dans Horizon Europe est de "
            "100% des coûts éligibles."
        ),
        "The funding rate for a public procurement of innovative solutions (PPI) action under Horizon Europe is 50% of "
        "the eligible costs.": (
            "Le taux de financement d'une action d'achat public de solutions innovantes (PPI) dans Horizon Europe est de "
            "50% des coûts éligibles."
        ),
        "The Horizon Europe money goes to the public buyers and not to the firms that sell to them.": (
            "L'argent d'Horizon Europe va aux acheteurs publics et non aux entreprises qui leur vendent."
        ),
    },
}
