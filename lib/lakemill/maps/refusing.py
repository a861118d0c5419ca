"""Which expression of a map refuses which value: looked for after a run has failed, since Spark names no column.

The map's plan is walked from its sources up. At each node its expressions are tried on the rows that come to it, by
Spark's own TryEval, which gives NULL where an expression fails; the first row that one fails on is the answer. It costs
one pass over the rows a node, and only a run that failed pays it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from pyspark.sql import Column, DataFrame, Row, functions as F

from lakemill.maps.analysed import each

BRANCHES = {"CaseWhen", "If", "Coalesce", "And", "Or", "In"}
"""Not all that is in such an expression is computed for every row."""
UNTRIED = {"PythonUDF", "AggregateExpression", "WindowExpression", "Generator"}
"""What TryEval cannot be put around. Errors of Python functions say themselves where they were."""


@dataclass(frozen=True)
class Refusing:
    """expression: as Spark writes it.   column: which it makes, if one.   row: the values that it was given."""

    expression: str
    column: str
    row: Mapping[str, object]


def refusing(mapped: DataFrame) -> Refusing | None:
    """The first expression of a map that fails on its rows, and the row; None where all are well."""
    return _Search(mapped).below(mapped._jdf.queryExecution().analyzed())


class _Search:
    """The classes of the JVM that are needed, and the walk."""

    def __init__(self, mapped: DataFrame) -> None:
        self._spark, jvm = mapped.sparkSession, mapped.sparkSession._jvm
        sql: Any = jvm.org.apache.spark.sql  # type: ignore[union-attr]
        self._columns, self._frames = sql.classic.ExpressionUtils, sql.classic.Dataset
        self._try_eval = sql.catalyst.expressions.TryEval

    def below(self, plan: Any) -> Refusing | None:
        """What refuses at a node or below it, the deepest first: its rows have to be there to be tried on."""
        children = each(plan.children())
        refused = next((refused for child in children if (refused := self.below(child))), None)
        if refused:
            return refused
        expressions = each(plan.expressions())
        return next((refused for child in children if (refused := self._at(child, expressions))), None)

    def _at(self, child: Any, expressions: list[Any]) -> Refusing | None:
        """What of a node's expressions refuses a row of a child."""
        inputs = child.outputSet()
        tried = [(_alias(top), part) for top in expressions for part in _parts(top, inputs)]
        if not tried:
            return None
        frame = DataFrame(self._frames.ofRows(self._spark._jsparkSession, child), self._spark)
        flags = [self._fails(part) for _, part in tried]
        row = frame.where(reduce(or_, flags)).limit(1)
        failed = _first(row.select(*[flag.alias(str(at)) for at, flag in enumerate(flags)]).take(1))
        if failed is None:
            return None
        column, part = tried[failed]
        return self._narrowed(frame.where(flags[failed]).limit(1), column, part)

    def _narrowed(self, row: DataFrame, column: str, expression: Any) -> Refusing:
        """The smallest part of the expression that fails on the row, and what it was given."""
        while True:
            parts = [] if _name(expression) in BRANCHES else list(_own(expression))
            flags = [self._fails(part).alias(str(at)) for at, part in enumerate(parts)]
            failed = _first(row.select(*flags).take(1)) if flags else None
            if failed is None:
                break
            expression = parts[failed]
        inputs = each(expression.references().toSeq())
        values = [self._column(attribute).cast("string").alias(str(at)) for at, attribute in enumerate(inputs)]
        given = row.select(*values).take(1) if values else []
        names = [str(attribute.name()) for attribute in inputs]
        text = str(expression.sql()).replace("`", "")
        return Refusing(text, column, dict(zip(names, given[0] if given else [], strict=False)))

    def _fails(self, expression: Any) -> Column:
        """Whether the expression fails: a struct of it is never NULL by itself."""
        struct = self._columns.expression(F.struct(self._column(expression).alias("v"))._jc)
        return self._column(self._try_eval(struct)).isNull()

    def _column(self, expression: Any) -> Column:
        from pyspark.sql.classic.column import Column as ClassicColumn

        return ClassicColumn(self._columns.column(expression))


def _parts(expression: Any, inputs: Any) -> Iterator[Any]:
    """The largest parts of an expression that can be tried on a child's rows alone."""
    if not _is_computed(expression):
        return
    if expression.references().subsetOf(inputs) and not expression.references().isEmpty() and _can_be_tried(expression):
        yield expression.child() if _name(expression) == "Alias" else expression
        return
    for part in each(expression.children()):
        yield from _parts(part, inputs)


def _own(expression: Any) -> Iterator[Any]:
    """The parts right below an expression that can be tried on their own."""
    for part in each(expression.children()):
        if _is_computed(part) and _can_be_tried(part):
            yield part


def _is_computed(expression: Any) -> bool:
    return _name(expression) not in ("AttributeReference", "Literal", "LambdaFunction", "NamedLambdaVariable")


def _can_be_tried(expression: Any) -> bool:
    """Whether nothing in it has to be computed by a node of its own."""
    return not any(kind in UNTRIED for kind in _kinds(expression))


def _kinds(expression: Any) -> Iterator[str]:
    name = _name(expression)
    yield "Generator" if _generates(expression) else name
    if name == "LambdaFunction":
        return
    for part in each(expression.children()):
        yield from _kinds(part)


def _generates(expression: Any) -> bool:
    return _name(expression) in {"Explode", "PosExplode", "Inline", "Stack", "JsonTuple", "GeneratorOuter"}


def _name(expression: Any) -> str:
    return str(expression.getClass().getSimpleName())


def _alias(expression: Any) -> str:
    return str(expression.name()) if _name(expression) == "Alias" else ""


def _first(rows: list[Row]) -> int | None:
    """The first flag that is set."""
    return next((at for row in rows for at, flag in enumerate(row) if flag), None)
