"""Classification of a text or a pair of texts: the summary state is read, the labels are chosen among."""

from xstilts.families.items import Family


class Classification(Family):
    """Text pairs with one label each (XNLI, PAWS-X, MNLI, QQP, ...): what every family is."""

    name = "classification"


FAMILY = Classification()
