"""The commands, one folder or file each (`python -m recipes.<name>`), and below them the packages that they share."""

from recipes.common import shadows

shadows.refuse()
