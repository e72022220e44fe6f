from __future__ import annotations

from textwrap import dedent

from tools.docs_cpp import faults
from tools.doxygen_filter import as_documentation


def shown(header: str) -> str:
    return as_documentation(dedent(header))


def test_a_comment_above_becomes_documentation():
    assert shown("// What it is.\nstruct thing;\n") == "/// What it is.\nstruct thing;\n"


def test_a_comment_covers_the_paragraph_below_it_and_no_more():
    header = """\
        class thing {
          // Both sides.
          int left();
          int right() { return 1; }
        };
        """
    assert shown(header).splitlines() == [
        "class thing {",
        "  /// Both sides.",
        "  int left();",
        "  int right() { return 1; }",
        "};",
    ]
    separate = header.replace("class thing {\n", "class thing {\n\n")
    assert shown(separate).splitlines() == [
        "class thing {",
        "",
        "  ///@{",
        "  /// Both sides.",
        "  int left();",
        "  int right() { return 1; }",
        "  ///@}",
        "};",
    ]


def test_a_trailing_comment_belongs_to_what_is_before_it():
    header = """\
        enum class when {
          now,    // at once
                          // or nearly
          later,  // NOLINT(some-rule)
        };
        """
    assert shown(header).splitlines() == [
        "enum class when {",
        "  now,    ///< at once",
        "                  ///< or nearly",
        "  later,",
        "};",
    ]


def test_what_goes_by_its_name_is_no_fault():
    member = "x.h:1: warning: Member {} (function) of class a::thing is not documented."
    assert faults([member.format(name) for name in ("size() const", "thing(int size)", "operator==(int) const")]) == []
    assert len(faults([member.format("take(int count)"), "x.h:1: warning: Compound a::thing is not documented."])) == 2
