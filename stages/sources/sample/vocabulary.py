"""What the sample catalogue's listings are made of: French words, title patterns and sentences.

A pattern names its slots in braces; `fill` replaces each by one of the slot's words, which may hold
slots themselves. A product type has a `Vocabulary` of its own. Types that sellers mix up share a
`Confusion`: patterns that fit every one of them, so that no reader of the title alone can decide.
All brands, games, magazines and authors are invented.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

Words = Mapping[str, tuple[str, ...]]

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Vocabulary:
    """Titles and description sentences of one product type, with the words of their slots."""

    titles: tuple[str, ...]
    sentences: tuple[str, ...]
    words: Words


@dataclass(frozen=True)
class Confusion:
    """Titles and sentences that fit all of `codes` equally well."""

    codes: tuple[int, ...]
    titles: tuple[str, ...]
    sentences: tuple[str, ...]
    words: Words


def fill(pattern: str, words: Words, rng: random.Random, told: dict[str, str]) -> str:
    """Replace every `{slot}` of `pattern`, inside out, by a word of `words` or of `SHARED`.

    `told` holds what the listing has said so far and is added to: the slots of `LASTING` keep their
    word throughout a listing. Raises KeyError for a slot that neither dictionary knows.
    """

    def word(match: re.Match[str]) -> str:
        slot = match[1]
        if slot in told:
            return told[slot]
        chosen = rng.choice(words[slot] if slot in words else SHARED[slot])
        filled = fill(chosen, words, rng, told)
        if slot in LASTING:
            told[slot] = filled
        return filled

    return _SLOT.sub(word, pattern)


def _list(text: str) -> tuple[str, ...]:
    """The phrases of `text`, which separates them by bars and breaks lines where it likes."""
    return tuple(" ".join(phrase.split()) for phrase in text.split("|"))


def _rows(text: str) -> tuple[str, ...]:
    """The non-empty lines of `text`."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _numbers(*args: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(*args))


# What a listing names once: its description speaks of the same brand and game as its title.
LASTING = frozenset(
    _list("""
        brand | colour | material | ref | size | state | game | platform | hero | world | work |
        house | magazine | comic | noun | vehicle | part | pool | shape | tool | garden | animal |
        food | drink | taste | pattern | style | wood | fabric | months | theme | boardgame |
        faction | wargame | set | album | store | paper | tip | garden_material
    """)
)

SHARED: Words = {
    "n": _numbers(2, 13),
    "many": ("10", "12", "15", "20", "24", "25", "30", "36", "40", "48", "50", "60", "100", "150"),
    "cm": _numbers(10, 260, 5),
    "small_cm": _numbers(3, 40),
    "year": _numbers(1958, 2021),
    "old_year": _numbers(1948, 1999),
    "new_year": _numbers(2014, 2021),
    "issue": _numbers(1, 1400),
    "day": _numbers(1, 29),
    "page": _numbers(96, 620, 4),
    "digits": _numbers(1001, 9999, 7),
    "letter": tuple("ABCDEFGHJKLMNPRSTVXZ"),
    "ref": _list("""
        {letter}{letter}{digits} | {letter}{letter}-{digits} | {digits}{letter} | REF {digits} |
        {letter}{digits}-{letter}
    """),
    "month": _list("""
        janvier | février | mars | avril | mai | juin | juillet | août | septembre | octobre |
        novembre | décembre
    """),
    "colour": _list("""
        noir | blanc | gris | gris anthracite | rouge | bleu | bleu marine | bleu ciel | vert | vert
        olive | jaune | orange | rose | violet | marron | beige | écru | taupe | turquoise | doré |
        argenté | multicolore | kaki | bordeaux | ivoire | bleu nuit | rose poudré
    """),
    "brand": _list("""
        Kelvor | Maisonnelle | Brindac | Orvéa | Tolimax | Fidjo | Zentiva | Lumarel | Pixador |
        Norvik | Castelin | Domideco | Aquilor | Vertalys | Babilou & Co | Montrésor | Jarvelle |
        Sunoki | Hexaline | Pastello | Gripton | Rivoire | Ozélia | Tamtao | Wexford Line | Atelier
        Bruyère | Comptoir Malo | Sencio | Drakkor | Volubilis | Nemora | Ubaya | Kitsumo
    """),
    "material": _list("""
        bois | métal | plastique | résine | coton | acier | aluminium | polyester | cuir synthétique
        | verre | bambou | silicone | caoutchouc | toile | velours | inox | PVC | chêne
    """),
    "state": _list("""
        neuf | très bon état | bon état | occasion | comme neuf | état correct | neuf sous blister |
        jamais servi | reconditionné
    """),
    "size": _list("S | M | L | XL | taille unique | petit modèle | grand modèle | 36-40 | XXL"),
    "person": _list("{forename} {surname}"),
    "forename": _list("""
        Jean | Marie | Pierre | Claire | Henri | Lucie | Paul | Émile | Simone | André | Hélène |
        Jacques | Nadia | Gérard | Colette | Louis | Agnès | Robert | Sylvie | Marcel | Inès |
        Bernard | Élodie | Georges | Camille | Yves | Françoise | Hugo | Mathilde | Raymond
    """),
    "surname": _list("""
        Delorme | Vasseur | Castaing | Morvan | Bellanger | Ferrandi | Lacombe | Quintard |
        Desrosiers | Aubriot | Malherbe | Tessandier | Guilbert | Roquefeuil | Pellerin |
        Saint-Aubin | Chastel | Vernoux | Lagarde | Montclar | Barbezieux | Duvivier | Hautecœur |
        Kervadec | Legoffic | Santerre | Thibodeau | Marchetti | Orlowski | Brandt
    """),
    "place": _list("""
        Bretagne | Provence | Paris | Venise | Lyon | Alsace | Normandie | la Loire | Marseille |
        Corse | Bordeaux | Vienne | Istanbul | Kyoto | l'Auvergne | la Camargue | Saint-Malo |
        Prague | Lisbonne | la Drôme | Toulouse | Séville
    """),
    "game": _list("""
        Drakemoor | Galaxie Rebelle | Turbo Legends | Les Chevaliers d'Orvan | Shadow Protocol |
        Football Arena | Zombie Harbor | Ninja Kamaro | Empire of Sands | Rally Extrême | Kart
        Folies | Mystère à Ravenhill | Cyber Nexus | Dragon Saga | Battle Fleet | Tennis Champions |
        L'Île Perdue | Starlight Quest | Ultimate Boxing | Sim Village | Kingdom of Ash | Neon
        Riders | Pirates Océan | Guitar Session | Last Outpost | Moto Grand Prix | Fantasy
        Chronicles | Wolfgard | Deep Abyss | Alien Siege
    """),
    "platform": _list("""
        PlayBox | PlayBox 2 | PlayBox 3 | PlayBox 4 | Nintario 64 | Nintario DS | Nintario Swap |
        Xcube | Xcube 360 | Xcube One | Megatron Drive | Gamelad | Gamelad Advance | Dreamstar |
        Nintario Wave | PocketStation P
    """),
    "hero": _list("""
        Captain Falkor | Super Milo | Princesse Éloïa | Goran le Barbare | Kenzo | Lapin Toupie |
        Robot Zeta-9 | Dragon Ryuka | Docteur Vortex | La Fée Clochetis | Sorcier Malden | Astro Kid
        | Samouraï Kuro | Reine des Neiges Alva | Titan Noir | Chat Moustik | Agent Corbeau | Lady
        Raven
    """),
    "world": _list("""
        Galaxie Rebelle | Dragon Saga | Monstropoche | Les Gardiens d'Acier | Manga Kuro | Royaume
        d'Éther | Légendes d'Orvan | Ninja Kamaro | Zombie Harbor | Super Ligue | Mecha Force |
        Contes d'Alva | Duel de Mages | Yokai Masters
    """),
}

# Titles that name no product at all, as careless sellers write them.
VAGUE_TITLES = _list("""
    Lot de {n} | {brand} {ref} | {ref} | Article {state} | {brand} {colour} | Voir photo | {brand} -
    {ref} - {colour} | Lot {state} | Modèle {ref} {colour} | Lot de {n} {colour} | {brand} modèle
    {size} | Divers {year} | {brand} édition {year} | Lot n°{issue} | Produit {brand} {state} |
    Ensemble de {n} pièces {colour} | Set {n} pièces {brand} | {colour} {cm} cm | {brand} {cm} x
    {cm} cm | Collection {year} | Pack {n} {brand} {ref} | Nouveau {brand} {new_year} | Idée cadeau
    {brand} | Série {letter} n° {n}
""")

# Words sellers add to any title.
TITLE_ENDINGS = _list("""
    - {state} | ({state}) | - {brand} | - livraison gratuite | - {ref} | {colour} | - Promo | -
    envoi rapide | lot de {n} | - Taille {size} | - Coloris {colour} | Ref {digits} | - garantie 2
    ans | - {state} - {colour} | - idée cadeau | [{ref}]
""")

# Sentences sellers add to any description.
BOILERPLATE = _rows("""
    Livraison rapide et soignée, colis suivi.
    Expédition sous {n} jours ouvrés depuis la France.
    Article {state}, vendu tel que présenté sur la photo.
    Couleur : {colour}.
    Matière : {material}.
    Dimensions : {cm} x {cm} cm (environ).
    Poids du colis : {n} kg.
    Garantie 2 ans constructeur.
    Référence : {ref}.
    Marque : {brand}.
    N'hésitez pas à consulter nos autres annonces.
    Frais de port réduits pour plusieurs achats groupés.
    Retour possible sous 14 jours, satisfait ou remboursé.
    Veuillez noter que la couleur peut varier légèrement selon l'écran.
    100 % neuf et de haute qualité.
    Le paquet comprend : 1 x {brand} {ref}.
    Vendeur professionnel, facture sur demande.
    Taille : {size}.
    Idéal pour offrir à Noël ou pour un anniversaire.
    En raison de la mesure manuelle, merci d'accepter 1 à 3 cm d'écart.
    Package included: {n} pcs, brand new and high quality.
    Lieferumfang: {n} Stück, Farbe {colour}.
    Quantité : {n}.
    Produit d'origine, emballage d'usine & notice en français.
    Pour toute question, contactez-nous par message.
""")

_BOOK_WORDS: dict[str, tuple[str, ...]] = {
    "work": _list("""
        L'Ombre de {place} | Le Secret de {place} | Les Amants de {place} | Une Saison à {place} |
        Le Dernier Été | Le Silence des Pierres | La Vie de {person} | Mémoires de {surname} | La
        Maison du Canal | Les Enfants du Fleuve | Petit Traité de {subject} | Histoire de la
        {subject} | Introduction à la {subject} | Le Cahier Bleu | La Route des Oiseaux | Chroniques
        de {place} | L'Affaire {surname} | Un Hiver à {place} | La Promesse du Vent | Les Héritiers
        de {surname} | Essai sur la {subject} | Guide de {place} | L'Art de la {subject} | La Fille
        du Forgeron | Le Roman de {forename} | Le Manuscrit Oublié | Nouvelles de {place} |
        Dictionnaire de la {subject} | Voyage en {place} | Poèmes et Proses
    """),
    "subject": _list("""
        philosophie | peinture | médecine | photographie | cuisine | chimie | musique | géographie |
        littérature | mythologie | psychologie | gravure | botanique | navigation | marine |
        sociologie | céramique | pédagogie | logique | finance | grammaire | biologie | statistique
    """),
    "house": _list("""
        Éditions du Cormoran | Lagrange & Fils | Presses de l'Ormeau | La Plume Rouge | Éditions
        Saint-Roch | Belleval | Le Marque-Page | Éditions Tessier | Quai Neuf
    """),
    "volume": _list("Tome 1 | Tome 2 | Tome 3 | T.4 | Vol. 2 | Tome V | Volume 1"),
}

_PRESS_WORDS: dict[str, tuple[str, ...]] = {
    "magazine": _list("""
        Le Grand Illustré | Paris Gazette | Ciné Gazette | Auto Passion Plus | Le Monde du Rail |
        Sciences Curieuses | Femme & Foyer | L'Écho Sportif | Foot Mondial | Le Petit Reporter |
        Historique Nouveau | Rock Tribune | Le Chasseur Breton | Modes du Faubourg | La Vie au
        Jardin | Moto Libre | Télé Semaine | Spirale BD | Le Canard Curieux | Cahiers du Théâtre |
        Jeune Lecteur | Les Ailes Magazine | Radio Bricole | L'Ami du Bricoleur | Tricot Facile
    """),
    "topic": _list("""
        la conquête de l'espace | le Tour de France | les élections | le festival de Cannes | la
        mode d'été | le Salon de l'auto | les grandes affaires criminelles | la reine | les jeux
        olympiques | la guerre froide | le rock anglais | les paquebots | le cinéma italien | la vie
        des stars | les ovnis | l'affaire {surname} | les châteaux de {place} | {person} se confie
    """),
}

_GAME_WORDS: dict[str, tuple[str, ...]] = {
    "edition": _list("""
        édition collector | édition limitée | version intégrale | Gold | GOTY | Platinum |
        Essentials | Day One | {n} | II | III
    """),
}

VOCABULARIES: dict[int, Vocabulary] = {
    10: Vocabulary(
        titles=_rows("""
            {work} - {person} - {old_year} - {binding}
            {person} : {work} ({house}, {old_year})
            {work} de {person}, {binding}, {wear}
            {house} {old_year} - {work} {volume} - {binding}
            {work} / {person} / collection {series}
            Livre ancien {work} {old_year}
            {work} - {series} n° {issue} - {wear}
            {person} - {work} - {binding} - envoi de l'auteur
            Roman d'occasion {work} {person}
        """),
        sentences=_rows("""
            Livre d'occasion, {binding}, {page} pages, {wear}.
            Pages jaunies, dos légèrement insolé, intérieur propre.
            {house}, {old_year}, édition originale numérotée.
            Ex-libris à l'encre sur la page de garde.
            Couverture un peu défraîchie, coiffes frottées, tranche piquée.
            Traduit de l'anglais par {person}. Ouvrage épuisé chez l'éditeur.
            Reliure solide, tampon d'une ancienne bibliothèque.
        """),
        words=_BOOK_WORDS
        | {
            "binding": _list("""
                broché | relié demi-cuir | cartonné | relié pleine toile | in-8 broché | poche |
                reliure d'époque | sous jaquette | in-12 | non coupé
            """),
            "wear": _list("""
                pages jaunies | dos frotté | couverture défraîchie | bon état d'usage | rousseurs
                éparses | mors fendu | tranche salie | ex-libris | coins émoussés
            """),
            "series": _list("""
                Le Livre de Poche Bleu | Série Brune | Bibliothèque Mauve | Folio d'Or | Collection
                Pourpre | Les Classiques Oubliés | Que Sait-On
            """),
        },
    ),
    2705: Vocabulary(
        titles=_rows("""
            {work} - {house} {new_year} - {format}
            {format} : {work}
            {work} | {format} | {audience}
            {person} - {work} - nouveauté {new_year}
            {work} - {volume} - {format} - Livre neuf
            Livre neuf {work}, {person}, {house}
            {work} : {audience} (nouvelle édition {new_year})
            {work} - EAN 978{digits}{digits}
        """),
        sentences=_rows("""
            Parution {month} {new_year}, {page} pages, {format}.
            Un best-seller traduit dans {many} langues.
            Livre neuf, expédié par l'éditeur, ISBN 978{digits}{digits}.
            Dans ce nouvel opus, {person} nous entraîne à {place}.
            Une méthode complète pour réussir : exercices corrigés et fiches de révision.
            Quatrième de couverture : {forename} n'aurait jamais dû revenir à {place}&hellip;
            Sélection des libraires {new_year}, public : {audience}.
        """),
        words=_BOOK_WORDS
        | {
            "format": _list("""
                grand format | e-book illustré | coffret intégral | format poche neuf | édition
                augmentée | manuel numérique | album jeunesse | édition bilingue | manga
            """),
            "audience": _list("""
                à partir de 8 ans | jeunes adultes | concours {new_year} | licence et master |
                développement personnel | grand public | cycle 3 | terminale | romance | thriller |
                bien-être | entreprise
            """),
        },
    ),
    2280: Vocabulary(
        titles=_rows("""
            {magazine} n° {issue} du {day}/{n}/{year} - {topic} - {topic}
            {magazine} N° {issue} - {month} {year}
            {magazine} - {year} - n°{issue} : {topic}
            {magazine} {issue} {topic}, {topic}, {topic}
            Magazine {magazine} n° {issue} {topic}
            Journal {magazine} du {day} {month} {year}
            {magazine} hors-série n° {n} : {topic}
            Hebdomadaire {magazine} n° {issue} couverture {person}
        """),
        sentences=_rows("""
            Au sommaire : {topic}, {topic}, interview de {person}.
            Numéro {issue} paru le {day} {month} {year}, {many} pages.
            Magazine complet avec son poster central.
            En couverture : {person}.
            Revue hebdomadaire, dos agrafé, bonne tenue.
            Et aussi : {topic} ; le courrier des lecteurs ; mots croisés.
        """),
        words=_PRESS_WORDS,
    ),
    2403: Vocabulary(
        titles=_rows("""
            Lot de {many} revues {magazine} {year}
            {magazine} - lot de {n} numéros - du n° {issue} au n° {issue}
            {magazine} année {year} complète
            Lot {magazine} numéros {issue}, {issue}, {issue}, {issue}
            {n} magazines {magazine} {year} - {year}
            Collection {magazine} reliée {year}
            {comic} - lot de {n} albums
            {comic} {issue} - Bd petit format {old_year}
            Ensemble de {many} fascicules {comic}
            {comic} album relié n° {n} (recueil)
        """),
        sentences=_rows("""
            Lot de {many} numéros, voir la liste complète ci-dessous.
            Contient les n° {issue}, {issue}, {issue} et {issue}.
            Année {year} presque complète, manque le n° {n}.
            Revues vendues ensemble, non séparables.
            Recueil éditeur regroupant {n} fascicules de {comic}.
            Prix pour le lot entier, envoi en carton renforcé.
        """),
        words=_PRESS_WORDS
        | {
            "comic": _list("""
                Zimbor | Capitaine Tempo | Rodéo Kid | Akor Junior | Brek l'Indien | Pépito Poche |
                Tex Canyon | Mister Foudre | Korbi | Trappeur | Lancelot Poche
            """),
        },
    ),
    40: Vocabulary(
        titles=_rows("""
            {game} {import} {platform}
            {platform} {game} - version {region}
            {game} [{import}] - {platform}
            {game} {edition} {region} import
            CD {game} original soundtrack {import}
            {gear} {platform}
            {gear} pour {platform} {region}
            {artist} - {album} - CD album
            {platform} - {game} (jeu en {region})
            {gear} {ref} {platform}
        """),
        sentences=_rows("""
            Version {region}, jouable sur console dézonnée uniquement.
            Jeu importé, textes en anglais et en japonais.
            Attention : NTSC, non compatible avec les consoles PAL.
            CD audio, {n} titres, boîtier cristal.
            Importé directement du Japon, notice d'origine.
            Pièce détachée compatible, montage facile avec tournevis.
            UK import, region free, plays in English.
        """),
        words=_GAME_WORDS
        | {
            "import": _list("""
                import japonais | import US | [UK import] | NTSC-J | import anglais | import
                allemand | zone 3 | Asia import
            """),
            "region": _list("japonaise | US | NTSC | anglaise | PAL UK | allemande | coréenne"),
            "gear": _list("""
                Lentille laser | Nappe de lecteur | Pile de sauvegarde | Carte mère | Convertisseur
                de zone | Adaptateur de cartouche | Lecteur CD | Coque de rechange | Cartouche
                multi-jeux | Écran LCD de remplacement | Kit de réparation joystick
            """),
            "artist": _list("""
                The Velvet Owls | Orchestre {surname} | Les Garçons du Quai | DJ Maro | {person} |
                Trio {surname}
            """),
            "album": _list("""
                Best of {year} | Live à {place} | Original Soundtrack | Remixes | Midnight Songs |
                Intégrale
            """),
        },
    ),
    2462: Vocabulary(
        titles=_rows("""
            {game} {platform} complet
            Jeu {platform} : {game} - {condition}
            Lot de {n} jeux {platform}
            {game} - {platform} - {condition}
            {platform} {game} avec notice
            Jeu vidéo d'occasion {game} {edition} {platform}
            {game} sur {platform} ({condition})
            Cartouche {game} {platform} sans boîte
        """),
        sentences=_rows("""
            Jeu d'occasion testé et fonctionnel, boîtier et notice inclus.
            Disque avec quelques micro-rayures n'affectant pas le jeu.
            Cartouche seule, sans boîte, pile de sauvegarde OK.
            Version PAL française, complet avec notice.
            Jeu {platform} en loose, étiquette un peu abîmée.
            PEGI 12. Mode 2 joueurs en écran partagé.
        """),
        words=_GAME_WORDS
        | {
            "condition": _list("""
                complet en boîte | loose | sans notice | disque rayé | PAL FR | testé OK | boîte
                abîmée | d'occasion | très propre
            """),
        },
    ),
    2905: Vocabulary(
        titles=_rows("""
            {game} - PC {delivery}
            {game} {edition} PC {delivery}
            {game} (PC/Mac) - {delivery}
            Jeu PC {game} - {delivery}
            {game} : {extension} - Clé d'activation
            {game} {extension} [Code Jeu PC - {store}]
            {game} PC DVD-ROM
            {game} - {extension} - Windows
        """),
        sentences=_rows("""
            Jeu en téléchargement, clé envoyée par e-mail.
            Configuration minimale : Windows 7, processeur 2 GHz, 4 Go de RAM, carte graphique 1 Go.
            Activation sur la plateforme {store}, connexion internet requise.
            Ce contenu nécessite le jeu de base {game} pour fonctionner.
            Espace disque requis : {many} Go.
            Plongez dans une aventure PC épique en monde ouvert.
        """),
        words=_GAME_WORDS
        | {
            "delivery": _list("""
                téléchargement | à télécharger | clé {store} | version numérique | code de
                téléchargement | DVD-ROM | version complète | jeu en téléchargement
            """),
            "store": _list("Vaporix | GameGate | Playhub | Origami"),
            "extension": _list("""
                Season Pass | extension Les Terres Gelées | DLC Pack | édition Deluxe | extension
                Tempête | pack de missions | contenu additionnel
            """),
        },
    ),
    50: Vocabulary(
        titles=_rows("""
            {noun} {platform} {colour}
            {noun} pour {platform}
            {noun} {brand} pour {platform} {colour}
            {noun} {feature} compatible {platform}
            {brand} {noun} {feature}
            Lot de {n} {noun} {platform}
            {noun} {feature} {colour} pour console {platform}
        """),
        sentences=_rows("""
            Compatible avec {platform}, branchement simple et rapide.
            {noun} {feature}, prise en main ergonomique.
            Protège votre console des rayures et de la poussière.
            Câble de 1,8 m, prise USB plaquée or.
            Sticks analogiques antidérapants et gâchettes réactives.
            Autonomie de {n} heures, recharge par micro-USB.
        """),
        words={
            "noun": _list("""
                Manette | Manette sans fil | Housse de transport | Câble HDMI | Chargeur | Station
                de recharge | Casque gamer | Volant | Coque silicone | Stylet | Carte mémoire |
                Support vertical | Adaptateur secteur | Batterie | Film de protection écran |
                Joystick arcade | Dragonne | Étui rigide | Skin sticker | Grips pour joystick |
                Câble péritel | Micro-casque | Tapis de souris gamer | Souris gaming | Ventilateur
                de console | Télécommande | Sacoche | Base de chargement double | Clavier mécanique
                | Capteur
            """),
            "feature": _list("""
                filaire | Bluetooth | rétroéclairé RGB | ergonomique | antichoc | rechargeable |
                vibrant | 7.1 surround | double | ultra fin | antidérapant
            """),
        },
    ),
    60: Vocabulary(
        titles=_rows("""
            Console {platform} {capacity}
            Console {platform} {colour} + {n} manettes
            {platform} {capacity} {colour} console seule
            Pack console {platform} + {game}
            Console {platform} édition limitée {game}
            {retro} {many} jeux intégrés
            Console portable {platform} {colour}
            {retro} {colour} écran {n} pouces
        """),
        sentences=_rows("""
            Console testée, livrée avec câbles d'alimentation et vidéo.
            Disque dur de {capacity}, lecteur Blu-ray fonctionnel.
            {many} jeux préinstallés, sortie HDMI.
            Vendue avec deux pads et le jeu {game}.
            Console en boîte d'origine avec cales et notice.
            Écran LCD {n} pouces, processeur quadricœur.
        """),
        words={
            "capacity": _list("500 Go | 1 To | 250 Go | 32 Go | 80 Go | slim | fat | pro"),
            "retro": _list("""
                Mini console rétro | Console de jeu portable | Borne d'arcade de table | Console TV
                plug and play | Console rétrogaming | Boîtier émulateur
            """),
        },
    ),
    1140: Vocabulary(
        titles=_rows("""
            Figurine {hero} {small_cm} cm
            Figurine Tête Géante {hero} - {world} n° {issue}
            {world} - {item} {hero}
            {item} {world} {hero} officiel
            Statuette {hero} {material} {world} {small_cm} cm
            {hero} {world} figurine articulée {small_cm} cm
            {item} {hero}
            Réplique {world} {hero} collector
            {world} {item} {colour}
        """),
        sentences=_rows("""
            Figurine de collection en PVC peint, hauteur {small_cm} cm, socle inclus.
            Produit dérivé officiel sous licence {world}.
            Boîte vitrine, à exposer pour tous les fans de {world}.
            Sculpture fine, édition limitée à {digits} exemplaires.
            Retrouvez {hero} en version vinyle à grosse tête.
            Figurine articulée avec accessoires interchangeables.
        """),
        words={
            "item": _list("""
                Statuette | Porte-clés | Mug | Buste | Figurine vinyle | Réplique | Coffret
                collector | Figurine articulée | Badge | Mini figurine | Peluche officielle | Lampe
                veilleuse | Tirelire | Diorama | Bobble head | Sabre réplique | Masque | Pins
            """),
        },
    ),
    1160: Vocabulary(
        titles=_rows("""
            {cards} {set} {digits}/{digits}
            Carte {world} {monster} {issue}/{many} {rarity}
            {monster} - {rarity} - {set} - {world}
            {cards} {world} {rarity} VF
            {world} {set} {monster} {rarity}
            Carte à collectionner {monster} {set}
            {monster} {issue} PV {rarity} {world} {set}
            {cards} {world} {set} x{n}
            Vignette {album} n° {issue} {person}
        """),
        sentences=_rows("""
            Carte {rarity} de l'extension {set}, envoyée sous sleeve et toploader.
            Carte en français, état Near Mint.
            Attaque {many}0, défense {many}0, type {element}.
            Booster scellé contenant {n} cartes dont une rare.
            Carte authentique, jamais jouée, tirage première édition.
            Vignette autocollante non collée de l'album {album}.
        """),
        words={
            "cards": _list("""
                Carte | Booster | Lot de {many} cartes | Display | Deck de démarrage | Coffret
                booster | Cartes communes | Classeur de cartes | Tin box
            """),
            "set": _list("""
                Aube Écarlate | Tempête Céleste | Origines | Duel Final | Ciel Fracturé | Ombres
                Ardentes | Set de Base | Invasion | Gardiens du Nord | Éveil | Alliance
            """),
            "monster": _list("""
                Pyrodrake | Aquamire | Golem Ancien | Licorne d'Argent | Spectre Hurlant | Floraquin
                | Dragon Blanc | Mage Sombre | Electrix | Toxirat | Chevalier Runique | Phénix |
                Krakenor | Lumifée | Rocailleux | Serpent Abyssal
            """),
            "rarity": _list("""
                rare | ultra rare | holo | commune | reverse | secrète | peu commune | full art |
                foil | parallèle | promo | 1ère édition
            """),
            "element": _list("feu | eau | plante | ténèbres | lumière | électrique | terre"),
            "album": _list("Foot {year} | Superstars {year} | Équipe de France | Basket Pro"),
        },
    ),
    1180: Vocabulary(
        titles=_rows("""
            {faction} - {unit} x{n}
            {wargame} : {faction} {unit}
            {unit} {faction} {scale} {metal}
            {wargame} {book}
            {unit} - {wargame} - {metal} à peindre
            Jeu de rôle {wargame} - {book}
            {n} {unit} {faction} non peints
            Dés polyédriques d20 {colour} jeu de rôle
            {costume} {hero} {size}
        """),
        sentences=_rows("""
            Figurines {scale} en {metal}, à assembler et à peindre.
            Grappe complète avec socles ronds de 32 mm.
            Règles, profils et scénarios pour {wargame}.
            Armée {faction}, sous-couche noire déjà appliquée.
            Aide de jeu pour le meneur, écran et feuilles de personnage.
            Déguisement complet : tunique, ceinture et masque.
        """),
        words={
            "wargame": _list("""
                Warmarteau 40 | Terres d'Éther | Bataille d'Orvan | Hordes de Fer | Donjons & Périls
                | Cthulo | Confrontation Noire
            """),
            "faction": _list("""
                Space Légion | Orques Verts | Elfes Sylvains | Nains de Fer | Morts-Vivants | Chaos
                Rouge | Empire | Skaviens | Démons
            """),
            "unit": _list("""
                guerriers | archers | cavaliers | dreadnought | seigneur | gobelins | lanciers |
                chevaliers | sorcier | escouade tactique | char d'assaut | infanterie | canonnier |
                trolls des pierres | héros à pied
            """),
            "scale": _list("28mm | 15 mm | 1/72 | 54 mm | 25mm"),
            "metal": _list("métal blanc | plomb | résine | plastique | étain"),
            "book": _list("""
                livre de règles | écran du maître | supplément | codex | bestiaire | campagne |
                manuel des joueurs | livre d'armée
            """),
            "costume": _list("""
                Déguisement | Cosplay | Costume médiéval | Armure en mousse | Perruque
            """),
        },
    ),
    1280: Vocabulary(
        titles=_rows("""
            {noun} {theme} {age}
            {noun} {brand} {colour}
            {brand} {noun} {theme}
            {noun} en {toy_material} {theme}
            {noun} {theme} - jouet {age}
            Jouet éducatif {noun} {toy_material}
            {noun} {small_cm} cm {theme}
            Coffret {noun} {many} pièces
            {noun} interactif {theme} enfant
        """),
        sentences=_rows("""
            Jouet {age}, conforme aux normes CE, sans petites pièces.
            Développe la motricité et l'imagination de l'enfant.
            {noun} en {toy_material}, peinture non toxique.
            Fonctionne avec {n} piles AA (non fournies).
            Des heures de jeu pour les petits et les grands !
            Toucher tout doux, lavable à 30 degrés.
            Coffret de {many} pièces pour construire et jouer.
        """),
        words={
            "noun": _list("""
                Peluche | Puzzle | Poupée | Poupon | Dînette | Petite voiture | Camion de pompiers |
                Briques de construction | Cubes empilables | Toupie | Slime | Pâte à modeler |
                Cuisine enfant | Établi de bricolage | Train en bois | Marionnette | Xylophone |
                Tapis de jeu | Boîte à formes | Robot | Garage | Maison de poupée | Hand spinner |
                Squishy | Tableau magique | Kit créatif perles | Ferme et animaux | Ours en peluche
                | Dinosaure | Circuit de billes | Mallette de docteur | Microphone karaoké |
                Pistolet à fléchettes
            """),
            "theme": _list("""
                princesse | pirate | ferme | licorne | dinosaure | pompier | espace | police |
                jungle | chantier | sirène | koala | panda | montessori | arc-en-ciel | safari
            """),
            "age": _list("""
                dès 3 ans | 18 mois et plus | à partir de 5 ans | 6-10 ans | dès 12 mois | fille et
                garçon
            """),
            "toy_material": _list("""
                bois | plastique souple | tissu | mousse | bois massif | peluche
            """),
        },
    ),
    1281: Vocabulary(
        titles=_rows("""
            Jeu de société {boardgame}
            {boardgame} - jeu de plateau {players}
            {brand} - {boardgame} - {players}
            {classic} {material}
            {classic} de voyage magnétique
            {boardgame} extension {n}
            Jeu d'ambiance {boardgame} {players}
            {classic} {brand} {players}
            {boardgame} jeu de stratégie {year}
        """),
        sentences=_rows("""
            De {n} à 6 joueurs, durée d'une partie : {many} minutes.
            Contient 1 plateau, {many} jetons, 2 dés et la règle du jeu.
            Le premier joueur qui atteint la case arrivée remporte la partie.
            Un grand classique à partager en famille ou entre amis.
            Posez vos tuiles, bluffez et marquez le plus de points !
            Jeu complet, pions et sablier présents.
        """),
        words={
            "boardgame": _list("""
                Les Marchands de {place} | Château Panique | Tribus & Totems | Millionnaire Express
                | Qui a Volé l'Émeraude ? | Caravanes | Folie des Mots | Devine-Dessine | Loups de
                {place} | Quiz Mania | La Course aux Trésors | Dominium | Petits Chevaux Géants |
                Tempo Buzz | Vikings en Mer | Mot Masqué | Le Manoir Hanté
            """),
            "classic": _list("""
                Jeu d'échecs | Jeu de dames | Backgammon | Dominos | Jeu de l'oie | Jeu de go |
                Mikado géant | Bingo loto | Roulette de casino | Mallette de poker | Tapis de belote
                | Tarot 78 cartes | Solitaire à billes | Mah-jong | Jeu de memory
            """),
            "players": _list("""
                2-4 joueurs | 3 à 6 joueurs | dès 8 ans | familial | 2 joueurs | à partir de 10 ans
            """),
        },
    ),
    1300: Vocabulary(
        titles=_rows("""
            {vehicle} télécommandé {rc}
            {vehicle} RC {ratio} {rc}
            {part} pour {vehicle} RC {ratio}
            Drone {drone} {rc}
            Maquette {vehicle} {ratio} à monter
            {brand} {part} {ref} RC {ratio}
            {part} drone {drone} x{n}
            Miniature {vehicle} {ratio} {old_year}
            {vehicle} radiocommandé {ratio} brushless
            Locomotive {scale} {brand} {ref}
        """),
        sentences=_rows("""
            Échelle {ratio}, châssis en aluminium, suspension indépendante.
            Radiocommande {rc}, portée {many} mètres.
            Temps de vol : {n} minutes, caméra 720P avec retour vidéo.
            Pièce de rechange compatible {brand} {ref}.
            Batterie LiPo 7,4 V rechargeable, moteur brushless.
            Maquette plastique à coller, décalques et notice fournis.
            Modèle réduit moulé sous pression, portes ouvrantes.
        """),
        words={
            "vehicle": _list("""
                voiture | buggy | hélicoptère | char | bateau | avion | camion | monster truck |
                quadcoptère | Porschard 911 | Renaud 4CV | Citrol 2CV | tracteur | crawler |
                sous-marin | planeur | moto | Bugatour
            """),
            "ratio": _list("1/10 | 1/18 | 1/43 | 1:24 | 1/8 | 1:12 | 1/72 | 1/87 | 1/14"),
            "rc": _list("""
                2.4GHz | 4WD | tout-terrain | haute vitesse | 4 canaux | 6 axes gyro | FPV | wifi
            """),
            "part": _list("""
                Batterie LiPo | Hélices | Servo | Amortisseurs | Moteur brushless | Récepteur |
                Pneus | Jantes | Pignon | Variateur ESC | Carrosserie | Cardan | Train
                d'atterrissage | Chargeur équilibreur | Bras de suspension | Roulements
            """),
            "drone": _list("""
                Falco X5 | SkyBee pliable | Mavok | Hubrix H7 | Eagle pro | mini pocket
            """),
            "scale": _list("HO | N | O"),
        },
    ),
    1301: Vocabulary(
        titles=_rows("""
            {noun} bébé {pattern} {months}
            Chaussettes bébé {pattern} {months}
            {noun} {pattern} {colour} {months}
            Lot de {n} paires de chaussettes {pattern} enfant
            {noun} {months} {brand} {colour}
            {noun} nouveau-né {pattern}
            {noun} antidérapant {pattern} {months}
            {lounge} {brand}
        """),
        sentences=_rows("""
            Coton doux et respirant, élastique qui ne serre pas la cheville.
            Convient aux bébés de {months}.
            Semelle antidérapante pour les premiers pas.
            Motif {pattern}, lavage en machine à 30 degrés.
            Un joli cadeau de naissance tout doux.
        """),
        words={
            "noun": _list("""
                Chaussons | Bavoir bandana | Bonnet | Moufles | Collants | Chaussettes hautes |
                Bandeau cheveux | Body | Jambières | Chaussures souples | Gigoteuse légère |
                Bloomers | Guêtres | Barboteuse | Legging
            """),
            "pattern": _list("""
                étoiles | renard | lapin | pois | rayures | nuage | ourson | chat | fleurs |
                hérisson | Noël | baleine | zigzag
            """),
            "months": _list("0-6 mois | 6-12 mois | 12-24 mois | 0/3 mois | 1-3 ans | 2-4 ans"),
            "lounge": _list("""
                Jeu de fléchettes électronique | Cible de fléchettes | Pointes de fléchettes |
                Ailettes de fléchettes | Baby-foot de table | Queue de billard
            """),
        },
    ),
    1302: Vocabulary(
        titles=_rows("""
            {noun} {brand} {colour}
            {noun} extérieur enfant {cm} cm
            {noun} {feature} {brand}
            {sport} {feature} {size}
            {sport} {brand} {colour}
            {noun} jardin {feature}
            {noun} {colour} {feature}
            Kit {sport} {many} pièces
            {angling} {cm} cm {brand}
        """),
        sentences=_rows("""
            Jeu de plein air pour s'amuser dans le jardin toute l'année.
            Structure en acier galvanisé, poids maximum supporté : {many} kg.
            Filet de protection et échelle inclus.
            Pour le camping, la plage ou le parc.
            Ancrage au sol recommandé, surveillance d'un adulte requise.
            Excellente prise en main, roues en polyuréthane de {many} mm.
            Leurre réaliste à la nage naturelle, hameçons triples.
        """),
        words={
            "noun": _list("""
                Trampoline | Toboggan | Balançoire | Portique | Cabane enfant | Bac à sable |
                Trottinette | Draisienne | Château gonflable | Cerf-volant | Tente de jeu |
                Structure d'escalade | Pistolet à eau | Tunnel de jeu | Vélo enfant | Porteur
                tracteur | Cage de but | Panier de basket | Corde à sauter | Bulles de savon |
                Balancelle nid
            """),
            "sport": _list("""
                Ballon de football | Raquettes de badminton | Skateboard | Rollers | Frisbee | Arc
                et flèches | Jeu de pétanque | Patins | Gants de gardien | Croquet | Table de
                ping-pong | Filet de volley | Casque vélo | Lampe frontale | Sac de couchage
            """),
            "feature": _list("""
                pliable | réglable en hauteur | avec filet | gonflable | en bois traité | lumineux |
                3 roues | débutant | 2 places | de compétition | portable
            """),
            "angling": _list("Canne à pêche | Leurre souple | Moulinet | Boîte d'hameçons"),
        },
    ),
    1320: Vocabulary(
        titles=_rows("""
            {noun} {brand} {colour}
            {noun} bébé {feature}
            {brand} {noun} {feature} {colour}
            {noun} {pattern} {brand}
            {noun} {feature} naissance à {n} mois
            {noun} pour poussette {colour}
            {noun} évolutif {feature}
        """),
        sentences=_rows("""
            Homologué groupe 0+/1, harnais 5 points réglable.
            Pour accompagner bébé dès la naissance, en toute sécurité.
            Sans BPA ni phtalates, tétine en silicone incluse.
            Pliage compact d'une seule main, panier spacieux.
            Tissu déhoussable et lavable en machine.
            Vision nocturne et température de la chambre, portée {many}0 m.
            Conçu avec des pédiatres et des mamans.
        """),
        words={
            "noun": _list("""
                Poussette | Siège auto | Chaise haute | Biberon | Tétine | Sac à langer | Matelas à
                langer | Babyphone | Baignoire bébé | Porte-bébé | Écharpe de portage | Lit
                parapluie | Tour de lit | Gigoteuse | Transat | Chauffe-biberon | Stérilisateur |
                Veilleuse | Barrière de sécurité | Réducteur WC | Mobile musical | Couches lavables
                | Nid d'ange | Coussin d'allaitement | Thermomètre de bain | Parc bébé | Doudou
                attache-tétine | Tapis d'éveil | Cache-prise | Tire-lait | Anneau de dentition |
                Chancelière
            """),
            "feature": _list("""
                anti-colique | pliable | 0-36 mois | inclinable | ergonomique | universel |
                imperméable | 3 en 1 | de voyage | réversible | en coton bio | 360 degrés
            """),
            "pattern": _list("étoiles | nuage | éléphant | pois | liberty | hibou | arc-en-ciel"),
        },
    ),
    1560: Vocabulary(
        titles=_rows("""
            {noun} {style} {wood}
            {noun} {brand} {colour} {cm} cm
            {noun} {style} {colour}
            {bed} {bed_size}
            {bed} {feature} {bed_size}
            {noun} {feature} {wood} {cm}x{cm}
            {brand} - {noun} {style} - {colour}
            Lot de {n} {seats} {style} {colour}
            {noun} de salon {style} {wood}
        """),
        sentences=_rows("""
            Meuble livré en kit, notice et visserie fournies.
            Panneaux de particules mélaminés, épaisseur 15 mm.
            Style {style}, parfait pour le salon ou la chambre.
            Mousse haute densité 35 kg/m3, accueil moelleux, soutien ferme.
            {n} tiroirs sur glissières métalliques, poignées incluses.
            Assise rembourrée, pieds en {wood}.
            Sommier à lattes et tête de lit compris.
        """),
        words={
            "noun": _list("""
                Armoire | Commode | Buffet | Bibliothèque | Meuble TV | Table basse | Étagère |
                Table de chevet | Bureau | Canapé d'angle | Canapé convertible | Fauteuil | Console
                d'entrée | Meuble à chaussures | Penderie | Tabouret de bar | Table à manger |
                Meuble sous vasque | Vaisselier | Coiffeuse | Pouf | Porte-manteau | Colonne de
                rangement | Desserte de cuisine | Fauteuil de bureau | Vitrine
            """),
            "bed": _list("""
                Matelas mémoire de forme | Lit coffre | Sommier tapissier | Surmatelas | Lit
                superposé | Lit mezzanine | Tête de lit | Matelas ressorts | Lit cabane | Futon
            """),
            "bed_size": _list("""
                140x190 | 160 x 200 cm | 90x190 | 180x200 | 1 personne | 2 personnes
            """),
            "seats": _list("""
                chaises de salle à manger | tabourets de bar | fauteuils cabriolet | poufs
            """),
            "style": _list("""
                scandinave | industriel | vintage | contemporain | baroque | laqué brillant |
                rustique | design | capitonné | style Louis XV
            """),
            "wood": _list("chêne massif | hêtre | pin | noyer | MDF | bois de manguier | acacia"),
            "feature": _list("""
                avec tiroirs | 2 portes | avec rangement | relevable | d'appoint | extensible
            """),
        },
    ),
    1920: Vocabulary(
        titles=_rows("""
            {noun} {pattern} {colour} {linen_size}
            {noun} {fabric} {colour}
            {cushion} {pattern} {cm}x{cm} cm
            Parure de lit {pattern} {linen_size} {persons}
            {brand} {noun} {fabric} {linen_size}
            {cushion} {fabric} {colour} 45x45
            Paire de rideaux {pattern} {colour} {cm} x {cm}
            {noun} imprimé {pattern} {persons}
            Pillow case {pattern} cushion cover 18x18
        """),
        sentences=_rows("""
            100 % {fabric}, {many} fils/cm2, lavage à 60 degrés.
            Housse à fermeture éclair invisible, garnissage non inclus.
            Parure comprenant 1 housse de couette et 2 taies d'oreiller.
            Rideau à œillets, tombé impeccable, occultant à 90 %.
            Doux, absorbant et séchage rapide, {linen_size}.
            Motif {pattern} imprimé sur les deux faces.
            Label Oeko-Tex, coutures renforcées.
        """),
        words={
            "noun": _list("""
                Housse de couette | Drap housse | Taie d'oreiller | Couette | Plaid | Couverture |
                Nappe | Serviette de bain | Drap de bain | Rideau occultant | Voilage | Peignoir |
                Couvre-lit | Torchon | Alèse imperméable | Gant de toilette | Jeté de canapé |
                Traversin | Chemin de table | Housse de canapé | Tapis de bain | Drap plat |
                Oreiller
            """),
            "cushion": _list("""
                Housse de coussin | Taie de coussin | Coussin | Coussin garni | Taie
            """),
            "fabric": _list("""
                coton | microfibre | lin lavé | polaire | percale | flanelle | satin | jacquard
            """),
            "pattern": _list("""
                géométrique | fleurs | rayures | mandala | tropical | carreaux | feuilles | ethnique
                | Noël | cerf | marbre | boho | flamant rose
            """),
            "linen_size": _list("""
                220x240 cm | 140x200 | 240 x 260 | 70x140 | 65x65 cm | 160x200 | 50x70
            """),
            "persons": _list("1 personne | 2 personnes"),
        },
    ),
    1940: Vocabulary(
        titles=_rows("""
            {food} {taste} {weight}
            {brand} {food} {taste} {pack}
            {pack} {food} {taste} {weight}
            {food} bio {weight}
            {food} artisanal {taste} - {pack}
            {drink} {taste} {pack}
            Coffret gourmand {food} et {drink}
            {brand} - {food} {weight} - {pack}
        """),
        sentences=_rows("""
            Ingrédients : sucre, {taste}, sirop de glucose, arôme naturel.
            Valeurs nutritionnelles pour 100 g : énergie {digits} kJ.
            À consommer de préférence avant le : voir sur l'emballage.
            Peut contenir des traces de fruits à coque et de lait.
            Recette artisanale de {place}, sans colorant ni conservateur.
            À conserver à l'abri de la chaleur et de l'humidité.
        """),
        words={
            "food": _list("""
                Chocolat noir | Confiture | Miel | Bonbons acidulés | Nougat | Café en grains | Foie
                gras | Moutarde | Sauce soja | Pâtes | Riz basmati | Épices | Huile d'olive |
                Caramels | Dragées | Galettes bretonnes | Terrine | Sardines | Soupe | Céréales |
                Pâte à tartiner | Chewing-gum | Levure | Farine | Sel de Guérande | Pastilles
            """),
            "drink": _list("""
                Thé vert | Sirop | Infusion | Limonade | Jus de pomme | Cacao | Café moulu |
                Capsules de café
            """),
            "taste": _list("""
                framboise | vanille | citron | au lait | noisette | figue | menthe | caramel |
                fraise | orange | nature | poivre | gingembre | truffe
            """),
            "weight": _list("250 g | 500g | 1 kg | 100 g | 75 cl | 33cl | 200 gr | 2,5 kg"),
            "pack": _list("""
                lot de 6 | carton de 12 | sachet | bocal | pot | boîte métal | pack de 24
            """),
        },
    ),
    2060: Vocabulary(
        titles=_rows("""
            {noun} {theme} {colour}
            {noun} {theme} {cm} x {cm} cm
            Sticker mural {theme} {room}
            {noun} décoratif {theme} {room}
            Tableau {theme} toile {cm}x{cm}
            {light} {lights} {colour}
            {noun} {brand} {theme}
            {light} {feature} {theme}
            Décoration de Noël {ornament} {colour}
            Wall sticker {theme} home decor {cm}cm
        """),
        sentences=_rows("""
            Apporte une touche {theme} à votre intérieur.
            Sticker repositionnable, se pose sur toute surface lisse.
            {many} LED blanc chaud, guirlande de {n} mètres.
            Impression haute définition sur toile tendue, châssis bois.
            Décorez votre salon, votre chambre ou votre entrée.
            Ampoule E27 non fournie, abat-jour en tissu.
            Pour mariage, anniversaire, fête et réveillon.
        """),
        words={
            "noun": _list("""
                Vase | Cadre photo | Horloge murale | Miroir | Bougie parfumée | Statue bouddha |
                Bougeoir | Tapis | Plante artificielle | Suspension | Affiche | Porte-clés mural |
                Boîte à bijoux | Paravent | Attrape-rêves | Fontaine zen | Réveil | Galets | Fleurs
                artificielles | Photophore | Plaque métal vintage | Globe terrestre | Cache-pot |
                Papier peint
            """),
            "theme": _list("""
                zen | arbre de vie | papillons | tour Eiffel | océan | papillon 3D | scandinave |
                vintage | carte du monde | fleur de cerisier | abstrait | chevaux | citation |
                new-york | oriental | campagne
            """),
            "room": _list("salon | chambre | chambre enfant | cuisine | salle de bain"),
            "light": _list("""
                Lampe de chevet | Guirlande lumineuse | Lampadaire | Veilleuse LED | Lanterne
            """),
            "lights": _list("LED {many} ampoules | solaire | à piles | boules coton | étoiles"),
            "ornament": _list("""
                boules de sapin | couronne | père Noël | renne | flocons | sapin | traîneau
            """),
            "feature": _list("""
                à intensité variable | tactile | USB | rechargeable | changement de couleur
            """),
        },
    ),
    2220: Vocabulary(
        titles=_rows("""
            {noun} pour {animal} {colour}
            {noun} {animal} {size}
            {noun} {feature} {animal} {brand}
            {brand} {noun} {animal}
            {aquarium} {colour} {cm} cm
            {noun} {animal} {feature} {colour} {size}
            {food} {animal} {weight}
            Jouet {animal} {toy} {colour}
        """),
        sentences=_rows("""
            Votre {animal} va adorer, confort et sécurité garantis.
            Mesurez le tour de cou de votre {animal} avant de commander.
            Réglable, bouclerie solide et anneau pour la laisse.
            Résistant aux griffes et aux morsures.
            Aliment complet pour {animal} adulte, riche en protéines.
            Filtre silencieux pour aquarium d'eau douce jusqu'à {many}0 litres.
        """),
        words={
            "noun": _list("""
                Collier | Laisse | Harnais | Gamelle | Panier | Arbre à chat | Litière | Manteau |
                Muselière | Brosse | Cage de transport | Fontaine à eau | Griffoir | Niche |
                Distributeur de croquettes | Tondeuse | Médaille gravée | Coussin | Sac de transport
                | Pipettes antiparasitaires | Chatière | Abreuvoir
            """),
            "animal": _list("""
                chien | chat | lapin | chiot | chaton | hamster | oiseau | perroquet | cheval |
                furet | poisson
            """),
            "aquarium": _list("""
                Décor d'aquarium | Pompe à air | Filtre | Plante d'aquarium | Terrarium
            """),
            "food": _list("Croquettes | Pâtée | Friandises | Graines | Os à mâcher | Foin"),
            "weight": _list("1 kg | 3 kg | 12 kg | 400 g | 24 x 85 g"),
            "toy": _list("corde | balle | souris | plume | couineur | kong"),
            "feature": _list("""
                réfléchissant | réglable | en nylon | pliable | anti-traction | en cuir
            """),
        },
    ),
    2522: Vocabulary(
        titles=_rows("""
            {noun} {colour} {brand}
            {noun} {paper} {many} pages
            Lot de {many} {pens} {colour}
            {brand} {pens} pointe {tip} {colour}
            {noun} {paper} {theme}
            {pens} {brand} {tip} x{n}
            Boîte de {many} {supplies}
            {noun} {brand} {paper} {ref}
            {supplies} {colour} {brand}
            Trousse {theme} {colour}
        """),
        sentences=_rows("""
            Papier {paper} 90 g, {many} feuilles, perforations 4 trous.
            Encre à séchage rapide, pointe {tip}, corps translucide.
            Pour le bureau, l'école et la maison.
            Carnet cousu, marque-page tissu et fermeture élastique.
            Fournitures de rentrée scolaire, paquet de {many}.
            Plume en acier iridium, livré dans un étui.
        """),
        words={
            "noun": _list("""
                Cahier | Carnet de notes | Agenda {new_year} | Bloc-notes | Classeur | Répertoire |
                Calendrier mural | Chemise à rabats | Album photo | Sous-main | Journal intime |
                Protège- documents | Trieur | Registre | Planner hebdomadaire | Semainier
            """),
            "pens": _list("""
                stylos bille | feutres | surligneurs | crayons de couleur | marqueurs | stylo plume
                | roller encre gel | crayons graphite | porte-mines | pinceaux | stylos effaçables
            """),
            "supplies": _list("""
                trombones | enveloppes kraft | étiquettes adhésives | agrafes | gommes | craies |
                post-it | punaises | intercalaires | timbres en caoutchouc | tampons encreurs |
                ruban washi | élastiques | pochettes plastifiées | cartouches d'encre
            """),
            "paper": _list("""
                A5 | A4 | grands carreaux | ligné | spirale | quadrillé 5x5 | pages blanches | B5
            """),
            "tip": _list("fine 0,5 mm | moyenne | large | 0.7 | biseautée | calligraphie"),
            "theme": _list("""
                licorne | vintage | kawaii | cactus | flamant rose | mappemonde | galaxie
            """),
        },
    ),
    2582: Vocabulary(
        titles=_rows("""
            {noun} de jardin {garden_material} {colour}
            Salon de jardin {garden_material} {n} places {colour}
            {noun} {garden_material} {brand}
            {noun} {feature} {colour} {cm} cm
            {noun} extérieur {feature} {garden_material}
            Ensemble {noun} + {n} chaises de jardin
            {brand} {noun} {feature} {colour}
            {shade} {colour} {cm} x {cm} cm
            {shade} {feature} {brand}
        """),
        sentences=_rows("""
            Résiste aux intempéries et aux rayons UV, pour terrasse ou balcon.
            Coussins d'extérieur déhoussables inclus.
            Structure en {garden_material}, montage facile à deux.
            Toile déperlante 180 g/m2, manivelle et mât orientable.
            Salon bas {n} places avec table, verre trempé 5 mm.
            Profitez de vos journées d'été au jardin.
        """),
        words={
            "noun": _list("""
                Bain de soleil | Chaise longue | Transat | Table pliante | Banc | Fauteuil suspendu
                | Hamac | Balancelle | Chaise empilable | Table d'appoint | Canapé | Coffre de
                rangement | Fauteuil Adirondack | Chilienne | Table de pique-nique | Desserte |
                Banquette
            """),
            "garden_material": _list("""
                résine tressée | teck | acacia huilé | aluminium | polyrotin | textilène | fer forgé
                | palettes
            """),
            "shade": _list("""
                Parasol déporté | Tonnelle | Voile d'ombrage | Pergola | Store banne | Pied de
                parasol | Pavillon de jardin | Toile de rechange tonnelle | Brise-vue
            """),
            "feature": _list("""
                pliant | inclinable | avec toit | imperméable | 2 places | réglable | à roulettes
            """),
        },
    ),
    2583: Vocabulary(
        titles=_rows("""
            {pool} {shape} {cm} x {cm} cm
            {pool} {brand} {shape}
            {part} piscine {brand} {ref}
            {part} pour piscine {shape}
            {chemical} piscine {weight}
            {brand} {part} {feature}
            {pool} {shape} avec {part}
            {part} {feature} piscine hors-sol
            Robot piscine {brand} {feature}
            Spa gonflable {brand} {n} places
            Bâche {cover} piscine {shape} {cm} x {cm}
            Liner piscine {shape} {colour} {cm} x {cm}
        """),
        sentences=_rows("""
            Pour piscine hors-sol ou enterrée, hauteur d'eau {cm} cm.
            Débit de filtration : {n} m3/h, raccord 38 mm.
            Traitement de l'eau : verser {many} g par 10 m3, filtration en marche.
            Liner PVC 40/100e, résistant aux UV et au chlore.
            Bâche à bulles 400 microns, œillets tous les 50 cm.
            Baignade chauffée plus longtemps grâce à la pompe à chaleur.
            Contient l'échelle, l'épurateur et le tapis de sol.
            Aspire les feuilles et les impuretés du fond du bassin.
        """),
        words={
            "pool": _list("""
                Piscine tubulaire | Piscine autoportante | Piscine bois | Kit piscine | Piscinette |
                Pataugeoire | Piscine acier | Piscine hors-sol | Bassin gonflable | Piscine enterrée
            """),
            "shape": _list("""
                ronde | ovale | rectangulaire | octogonale | en huit | diamètre {cm} cm
            """),
            "part": _list("""
                Pompe de filtration | Filtre à sable | Cartouche filtrante | Skimmer | Échelle |
                Épuisette | Projecteur LED | Tuyau flottant | Balai aspirateur | Bonde de fond |
                Margelle | Électrolyseur au sel | Pompe à chaleur | Chauffage solaire | Thermomètre
                | Volet roulant | Vanne 6 voies | Alarme | Tapis de sol | Enrouleur | Diffuseur
                flottant | Douche solaire | Buse de refoulement | Kit de réparation
            """),
            "cover": _list("à bulles | d'hivernage | à barres | de sécurité | d'été | opaque"),
            "chemical": _list("""
                Chlore choc | Galets de chlore | pH moins | Anti-algues | Floculant | Brome | Verre
                filtrant | Oxygène actif
            """),
            "weight": _list("5 kg | 1 kg | 25 kg | 3 L | 10 kg | 20 pastilles"),
            "feature": _list("""
                6 m3/h | 300W | universel | avec minuterie | basse consommation | 12V | 1,5 CV
            """),
        },
    ),
    2585: Vocabulary(
        titles=_rows("""
            {tool} {brand} {power}
            {tool} {power} {colour}
            {garden} {brand} {cm} cm
            {garden} {feature} {colour}
            {brand} {tool} {feature} {ref}
            {part} pour {tool} {brand}
            Jeu de {n} {bits}
            {tool} {feature}
            {garden} {feature} jardin potager
            {part} {ref} {brand}
        """),
        sentences=_rows("""
            Puissance {power}, poignée antivibration.
            Pour percer le bois, le métal et la maçonnerie.
            Lames en acier trempé, coupe nette jusqu'à {many} mm.
            Mettez des gants et des lunettes de protection.
            Arrosage régulier du potager, raccord rapide 1/2 pouce.
            Protège les cultures du gel et des oiseaux.
            Livré en mallette avec {many} embouts.
        """),
        words={
            "tool": _list("""
                Perceuse à percussion | Tondeuse à gazon | Tronçonneuse | Taille-haie |
                Débroussailleuse | Ponceuse | Scie sauteuse | Meuleuse | Nettoyeur haute pression |
                Souffleur de feuilles | Poste à souder | Compresseur | Visseuse | Groupe électrogène
                | Scarificateur | Broyeur
            """),
            "garden": _list("""
                Serre de jardin | Tuyau d'arrosage | Sécateur | Brouette | Pot de fleurs |
                Composteur | Jardinière | Arrosoir | Grillage | Bordure | Abri de jardin | Râteau |
                Bêche | Bâche armée | Barbecue | Récupérateur d'eau | Filet anti-oiseaux |
                Programmateur d'arrosage | Gazon synthétique | Piège à taupes | Lampe solaire |
                Graines de tomates | Paillage
            """),
            "part": _list("""
                Chaîne | Carburateur | Courroie | Lame | Bobine de fil | Filtre à air | Bougie |
                Lanceur | Guide-chaîne
            """),
            "bits": _list("""
                forets béton | embouts de vissage | clés Allen | tournevis isolés | mèches à bois |
                ciseaux à bois | serre-joints
            """),
            "power": _list("750W | 18V | 1600 W | 2000W | 52cc | 20V lithium | 40 cm3"),
            "feature": _list("""
                sans fil | télescopique | à main | thermique | électrique | extensible |
                professionnel | galvanisé
            """),
        },
    ),
}

CONFUSIONS: tuple[Confusion, ...] = (
    Confusion(
        codes=(10, 2705),
        titles=_rows("""
            {work}
            {work} - {person}
            {person} - {work}
            {work} - {volume} - {person}
            {work}, {house}
            {person} : {work} {volume}
        """),
        sentences=_rows("""
            Un ouvrage de {person} paru aux {house}.
            {page} pages, illustrations en noir et blanc.
            Le récit se déroule à {place}.
            Thème : {subject}. Langue : français.
        """),
        words=_BOOK_WORDS,
    ),
    Confusion(
        codes=(2280, 2403),
        titles=_rows("""
            {magazine} {year}
            {magazine} {issue}
            {magazine} n° {issue}
            Revue {magazine} - {topic}
            {magazine} {month} {year} {issue}
            {magazine} numéros {issue} - {topic}
            Revues {magazine} {year}
        """),
        sentences=_rows("""
            Revue {magazine} de l'année {year}.
            Quelques pliures, traces de lecture.
            Thèmes abordés : {topic}, {topic}.
        """),
        words=_PRESS_WORDS,
    ),
    Confusion(
        codes=(40, 2462, 2905),
        titles=_rows("""
            {game}
            {game} {edition}
            {game} - {edition} - {year}
            Jeu vidéo {game}
            {game} (version française)
            {game} jeu {year}
        """),
        sentences=_rows("""
            Découvrez {game}, le jeu dont tout le monde parle.
            Un mode solo et un mode multijoueur.
            Incarnez {hero} dans l'univers de {game}.
        """),
        words=_GAME_WORDS,
    ),
    Confusion(
        codes=(40, 2462),
        titles=_rows("""
            {game} {platform}
            {platform} - {game}
            {game} - {edition} {platform}
            Jeu {platform} {game}
        """),
        sentences=_rows("""
            {game} pour {platform}.
            Jeu en boîte pour {platform}, voir photos.
        """),
        words=_GAME_WORDS,
    ),
    Confusion(
        codes=(50, 60),
        titles=_rows("""
            {platform} {colour}
            {platform} + manette
            {platform} {brand}
            Pack {platform} {colour} + accessoires
            Lot {platform} manettes et câbles
            {platform} {ref}
        """),
        sentences=_rows("""
            Pour les joueurs sur {platform}.
            Avec manette, câbles et adaptateur pour {platform}.
            Fonctionne parfaitement, testé avant envoi.
        """),
        words={},
    ),
    Confusion(
        codes=(1140, 1180, 1280),
        titles=_rows("""
            Figurine {hero}
            {hero} - {world}
            Figurines {world}
            {world} {hero} {small_cm} cm
            Lot de {n} figurines {world}
            Personnage {hero} {world}
            Figurine {material} {small_cm} cm
        """),
        sentences=_rows("""
            Un personnage de l'univers {world}.
            Hauteur : {small_cm} cm, matière : {material}.
            Pour les petits et grands fans de {hero}.
        """),
        words={},
    ),
    Confusion(
        codes=(1280, 1300),
        titles=_rows("""
            {vehicle} miniature {colour}
            {vehicle} {brand} {year}
            Petite {vehicle} métal {colour}
            {vehicle} électrique enfant {colour}
            {vehicle} à friction {brand}
            Circuit {vehicle} {brand}
        """),
        sentences=_rows("""
            Petit {vehicle} très détaillé.
            Piles non incluses, à partir de 8 ans.
        """),
        words={
            "vehicle": _list("""
                voiture | camion | avion | train | bateau | moto | tracteur | hélicoptère
            """)
        },
    ),
    Confusion(
        codes=(1160, 1281),
        titles=_rows("""
            Jeu de cartes {world}
            {world} le jeu
            Cartes {world} {many}
            Coffret {world} {n} joueurs
            {world} deck {n}
            Jeu {world} {brand}
        """),
        sentences=_rows("""
            {many} cartes illustrées de l'univers {world}.
            Affrontez vos amis dans {world}.
        """),
        words={},
    ),
    Confusion(
        codes=(1301, 1320),
        titles=_rows("""
            Ensemble bébé {colour} {brand}
            Cadeau de naissance {colour}
            Bébé {brand} 0-12 mois {colour}
            {noun} bébé {colour}
            {noun} {brand} bébé {size}
            Lot de {n} {noun} bébé
        """),
        sentences=_rows("""
            Tout doux pour la peau de bébé.
            À partir de la naissance, coton.
        """),
        words={
            "noun": _list("""
                bavoir | couverture | bonnet | gigoteuse | chausson | lange | turbulette
            """)
        },
    ),
    Confusion(
        codes=(1560, 2582),
        titles=_rows("""
            {noun} {colour}
            {noun} {brand} {colour}
            {noun} {material} {cm} cm
            Lot de {n} {noun}s {colour}
            {noun} pliante {colour}
            {noun} {cm} x {cm} cm {material}
            {noun} design {brand}
        """),
        sentences=_rows("""
            Montage facile, charge maximale {many} kg.
            Un meuble pratique et élégant, intérieur comme extérieur.
            Structure stable en {material}.
        """),
        words={
            "noun": _list("""
                chaise | table | banc | fauteuil | tabouret | table haute | canapé | banquette
            """)
        },
    ),
    Confusion(
        codes=(1920, 2060),
        titles=_rows("""
            {noun} {colour} {cm}x{cm}
            {noun} {pattern}
            {noun} {brand} {colour}
            {noun} {pattern} {colour}
            {noun} {pattern} maison décoration
            Home decor {pattern} {cm} x {cm} cm
        """),
        sentences=_rows("""
            Une décoration chaleureuse pour votre maison.
            Motif {pattern}, couleurs vives.
            S'accorde avec tous les intérieurs.
        """),
        words={
            "noun": _list("""
                coussin | rideau | tapis | tenture murale | galette | chemin de table | plaid
            """),
            "pattern": _list("""
                mandala | fleurs | géométrique | Noël | éléphant | feuilles | vintage | hibou
            """),
        },
    ),
    Confusion(
        codes=(2583, 2585),
        titles=_rows("""
            {noun} {brand} {ref}
            {noun} {cm} x {cm} cm
            {noun} {colour} {cm} m
            {noun} {brand}
            Lot de {n} {noun}s {brand}
        """),
        sentences=_rows("""
            Raccord universel, montage sans outil.
            Résistant à l'eau et au soleil, usage extérieur.
            {noun} de qualité professionnelle {brand}.
        """),
        words={
            "noun": _list("pompe | bâche | tuyau | filtre | raccord | vanne | flexible | minuterie")
        },
    ),
    Confusion(
        codes=(1302, 2583),
        titles=_rows("""
            {noun} gonflable {colour}
            {noun} {brand} {cm} cm
            Jeu d'eau {noun} {colour}
            {noun} de plage {colour}
            {noun} enfant été {brand}
        """),
        sentences=_rows("""
            Pour s'amuser dans l'eau tout l'été.
            Vinyle résistant, gonflage rapide, rustine fournie.
        """),
        words={
            "noun": _list("""
                bouée | matelas | ballon | toboggan aquatique | licorne | bateau | brassards
            """)
        },
    ),
    Confusion(
        codes=(1940, 2220),
        titles=_rows("""
            Friandises {taste} {many}0 g
            Biscuits {taste} {brand}
            Sachet {taste} {brand} {many}0 g
            Lot de {n} boîtes {taste}
        """),
        sentences=_rows("""
            Saveur {taste}, sans sucre ajouté.
            Sachet refermable de {many}0 g.
        """),
        words={
            "taste": _list("poulet | bœuf | canard | saumon | miel | carotte | menthe | légumes")
        },
    ),
    Confusion(
        codes=(2522, 2705),
        titles=_rows("""
            Cahier d'activités {theme}
            Carnet {theme} {many} pages
            {theme} - cahier {many} pages
            Coloriage {theme}
            Agenda {theme} {new_year}
        """),
        sentences=_rows("""
            {many} pages à remplir sur le thème {theme}.
            Couverture souple, format 15 x 21 cm.
        """),
        words={
            "theme": _list("""
                mandala | licorne | méditation | voyage | gratitude | animaux | écriture
            """)
        },
    ),
)
