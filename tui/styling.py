"""When styles are read and applied: each page's once, before it is opened, and all anew only when colours change.

Textual reads a page's styles when it is opened, and then parses every rule and styles the page in view three times,
which is most of what a first opening costs; nothing that was styled before changes by it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.ending import Ending

STYLES = Path(__file__).parent / "styles"


class Styled(Ending):
    """An application that styles nothing twice."""

    def __init__(self) -> None:
        super().__init__()
        self._styled_for = self._colours()

    def _colours(self) -> tuple[Any, ...]:
        return self.theme, self.native_ansi_color, self.ansi_theme

    def refresh_css(self, animate: bool = True) -> None:
        """Style everything anew if colours changed; pages out of view do so when they are returned to."""
        if self._styled_for != (colours := self._colours()):
            self._styled_for = colours
            super().refresh_css(animate)

    def style_first(self, mode: str) -> None:
        """Style the application itself before its first page, which inherits its colours."""
        self.read_styles(mode)
        self.stylesheet.update(self)

    def read_styles(self, mode: str) -> None:
        """Read a page's styles, if it has any, so that opening it finds them."""
        path = STYLES / f"{mode}.tcss"
        if path.exists() and not self.stylesheet.has_source(str(path)):
            self.stylesheet.read(path)
            self.stylesheet.parse()
