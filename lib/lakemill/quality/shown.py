"""What is shown of a value that fails a rule: not all of a long one, and nothing of one that tells of a person."""

from lakemill.contracts.contract import Contract

MOST_LETTERS = 100


def shown_value(contract: Contract, name: str, value: str | None) -> str:
    """A column's value with its name, as errors and commands show it."""
    terms = contract.column(name)
    if terms and terms.personal:
        return f"{name} (personal data, not shown)"
    if value is None:
        return f"{name}=NULL"
    return f"{name}='{value if len(value) <= MOST_LETTERS else value[: MOST_LETTERS - 1] + '…'}'"
