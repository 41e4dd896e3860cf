"""A day of the hall as one page: `fold` reads the journal into `figures`, `page` tells them and draws them."""

from firmware.report.fold import NoSuchDayError, figures_of
from firmware.report.page import page, write_report

__all__ = ["NoSuchDayError", "figures_of", "page", "write_report"]
