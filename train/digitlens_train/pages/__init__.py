"""Made pages: pictures of handwritten digits with the truth about every pixel, by seed."""

from digitlens_train.pages.enlarged import enlarged
from digitlens_train.pages.hands import Hands
from digitlens_train.pages.page import Page
from digitlens_train.pages.studio import STRATA, make, pages

__all__ = ["STRATA", "Hands", "Page", "enlarged", "make", "pages"]
