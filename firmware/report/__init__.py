"""A day of the hall as one page: `fold` reads the journal into `figures`, `page` tells them and draws them."""

from firmware.report.fold import NoSuchDayError
from firmware.report.page import write_report

__all__ = ["NoSuchDayError", "write_report"]
