"""Java: the names of the JVM, each of which is asked for once.

For every column that PySpark makes it asks the JVM what `functions` is, and then what `col` or `lit` of it is; the JVM
looks through all jars for a class of that name, in one package after the other. Of the 2,400 calls of a small update
some 600 were such questions, whose answers never change, and they took a tenth of what the JVM did in the tests.
"""

from typing import Any

from py4j.java_gateway import JavaClass, JavaMember, JavaPackage, JVMView


class _Names(JVMView):  # type: ignore[misc]
    def __getattr__(self, name: str) -> Any:
        return _kept(self, name, super().__getattr__(name))


class _Package(JavaPackage):  # type: ignore[misc]
    def __getattr__(self, name: str) -> Any:
        return _kept(self, name, super().__getattr__(name))


class _Class(JavaClass):  # type: ignore[misc]
    def __getattr__(self, name: str) -> Any:
        return _kept(self, name, super().__getattr__(name))


REMEMBERED = {JavaPackage: _Package, JavaClass: _Class, JavaMember: JavaMember}
"""What names mean for good, and what takes its place; values of static fields are asked for anew each time."""


def ask_once(jvm: JVMView) -> None:
    """Let this view of the JVM, which all of PySpark shares, remember which packages, classes and methods there are."""
    jvm.__class__ = _Names


def _kept(owner: Any, name: str, answer: Any) -> Any:
    """The answer, kept where Python looks before it asks.

    What is no class yet is taken for a package, and may become a class by a jar or an import that comes later: so only
    packages that are named like packages are kept.
    """
    kind = REMEMBERED.get(type(answer))
    if kind and (kind is not _Package or name.islower()):
        answer.__class__ = kind
        vars(owner)[name] = answer
    return answer
