"""Entry: one map of a contract's file. Its keys are taken by what they should be; what is left over is an error."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from lakemill.contracts.document import CUSTOM, Document, Where
from lakemill.errors import did_you_mean


class Entry:
    """A map of the file. Each word takes a key out of it and notes what is not as expected."""

    def __init__(self, document: Document, where: Where, value: Any) -> None:
        self.document, self.where = document, where
        self.taken: list[str] = []
        self.values: dict[str, Any] = value if isinstance(value, dict) else {}
        self.wheres = {key: (*where, key) for key in self.values}
        if not isinstance(value, dict):
            document.note(where, f"keys with values were expected, not {_shown(value)}.")

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.values

    def note(self, key: str, what: str) -> None:
        """Note a problem with a key's value."""
        self.document.note(self.wheres.get(key, self.where), what)

    def need(self, *keys: str) -> None:
        """Note which of these keys is not there."""
        for key in keys:
            if key not in self.values:
                self.document.note(self.where, f'"{key}" is missing.')

    def text(self, key: str, known: Iterable[str] = (), default: str = "") -> str:
        """A text that is not empty, and one of the known, if some are named."""
        value: str = self._take(key, str, "a text", default)
        if value == "" and key in self.values:
            self.note(key, "it is empty; a text was expected.")
            return default
        if value and known and value not in known:
            self.note(key, f'"{value}" is not known here. {did_you_mean(value, known)}')
            return default
        return value

    def flag(self, key: str) -> bool:
        """True or false; false where it is not there."""
        value: bool = self._take(key, bool, "true or false", False)
        return value

    def whole(self, key: str, least: int = 0) -> int | None:
        """A whole number that is not less than the least."""
        value: int | None = self._take(key, int, "a whole number", None)
        if value is not None and value < least:
            self.note(key, f"it is {value}; {least} or more was expected.")
            return None
        return value

    def number(self, key: str) -> int | Decimal | None:
        """A number."""
        value: int | Decimal | None = self._take(key, (int, Decimal), "a number", None)
        return value

    def texts(self, key: str, default: tuple[str, ...] = (), known: Iterable[str] = ()) -> tuple[str, ...]:
        """A list of texts, each once; of the known, if some are named. A text may be empty."""
        texts: list[Any] | None = self._take(key, list, "a list of texts", None)
        for at, text in enumerate(texts or ()):
            where = (*self.wheres[key], at)
            if not isinstance(text, str):
                self.document.note(where, f"a text was expected, not {_shown(text)}; put it in quotes.")
            elif known and text not in known:
                self.document.note(where, f'"{text}" is not known here. {did_you_mean(text, known)}')
            elif text in (texts or ())[:at]:
                self.document.note(where, f'"{text}" is given twice.')
        return default if texts is None else tuple(text for text in texts if isinstance(text, str))

    def items(self, key: str) -> list[tuple[Where, Any]]:
        """The items of a list with their places."""
        items: list[Any] = self._take(key, list, "a list", [])
        return [((*self.wheres[key], at), item) for at, item in enumerate(items)]

    def entries(self, key: str) -> list["Entry"]:
        """The maps of a list."""
        return [Entry(self.document, where, item) for where, item in self.items(key)]

    def entry(self, key: str) -> "Entry":
        """The map below a key; an empty one where it is not there."""
        value: dict[str, Any] = self._take(key, dict, "keys with values", {})
        return Entry(self.document, self.wheres.get(key, self.where), value)

    def custom(self) -> "Entry":
        """What stands under customProperties, as a map."""
        custom = Entry(self.document, self.wheres.get(CUSTOM, self.where), {})
        for item in self.entries(CUSTOM):
            item.need("property", "value")
            name, value = item.text("property"), item.any("value")
            item.close()
            if name in custom.values:
                item.note("property", f'"{name}" is given twice; leave one of them out.')
            if name and "value" in item.values:
                custom.values[name], custom.wheres[name] = value, item.wheres["value"]
        return custom

    def any(self, key: str) -> Any:
        """A value of any type, as it is."""
        self.taken.append(key)
        return self.values.get(key)

    def close(self) -> None:
        """Note each key that nobody took."""
        for key in self.values:
            if key not in self.taken:
                hint = did_you_mean(key, self.taken)
                self.document.note(self.wheres[key], f'lakemill takes no "{key}" here. {hint}', extra=True)

    def _take(self, key: str, kind: Any, words: str, default: Any) -> Any:
        self.taken.append(key)
        if key not in self.values:
            return default
        value = self.values[key]
        # To Python a boolean is a whole number.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            hint = "; put it in quotes" if kind is str and not isinstance(value, dict | list) else ""
            self.note(key, f"{words} was expected, not {_shown(value)}{hint if value is not None else ''}.")
            return default
        return value


def _shown(value: Any) -> str:
    """A value in an error's text."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "keys with values"
    return str(value).lower() if isinstance(value, bool) else str(value)
