"""The 27 product type codes of the Rakuten France challenge, with their names."""

from __future__ import annotations

from typing import NamedTuple


class Label(NamedTuple):
    """What a code means, in words for people."""

    french: str
    english: str


LABELS: dict[int, Label] = {
    10: Label("Livres d'occasion", "Used books"),
    40: Label("Jeux vidéo, CD et équipements", "Imported video games"),
    50: Label("Accessoires de jeux vidéo", "Gaming accessories"),
    60: Label("Consoles", "Game consoles"),
    1140: Label("Figurines et produits dérivés", "Figurines"),
    1160: Label("Cartes à collectionner", "Trading cards"),
    1180: Label("Jeux de rôle et figurines", "Wargames and figurines"),
    1280: Label("Jouets pour enfants", "Toys"),
    1281: Label("Jeux de société", "Board games"),
    1300: Label("Modélisme et miniatures", "Remote-controlled models"),
    1301: Label("Chaussettes et articles bébé", "Baby socks and small goods"),
    1302: Label("Jeux de plein air", "Outdoor games"),
    1320: Label("Puériculture", "Childcare"),
    1560: Label("Mobilier et literie", "Furniture and bedding"),
    1920: Label("Linge de maison", "Household linen"),
    1940: Label("Alimentation", "Food"),
    2060: Label("Décoration", "Decoration"),
    2220: Label("Animalerie", "Pet supplies"),
    2280: Label("Magazines", "Magazines"),
    2403: Label("Revues et lots", "Magazine lots"),
    2462: Label("Jeux vidéo d'occasion", "Used video games"),
    2522: Label("Papeterie", "Stationery"),
    2582: Label("Mobilier de jardin", "Garden furniture"),
    2583: Label("Piscine", "Pool"),
    2585: Label("Bricolage et jardinage", "DIY and gardening"),
    2705: Label("Livres neufs", "New books"),
    2905: Label("Jeux PC", "PC games"),
}

CODES: tuple[int, ...] = tuple(LABELS)
"""The codes in ascending order: column j of every probability matrix is CODES[j]."""
