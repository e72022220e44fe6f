from __future__ import annotations

from tests.tidy.length_rules import FILE_LINES_MAX, FUNCTION_LINES_MAX, cpp_functions, long_files, long_functions
from tests.tidy.source_tree import source

SAMPLE = r"""
#define OPEN {
namespace fasterapi {
constexpr int table[] = {
    1, 2,
};
template <class T, class U = decltype(f<int>())>
class thing : public base<int (*)(int)> {
 public:
  // A brace in a comment: {
  explicit thing(int a)
      : a_{a}, b_(1) {
    run('{', "{\"", R"({)");
  }
  [[nodiscard]] auto size() const noexcept -> size_t { return 1'000'000; }

 private:
  int a_{1};
};

static int
outer(int x) {
  auto inner = [&](int y) {
    if (y) { return 1; }
    return 2;
  };
  switch (x) { default: return inner(x); }
}
}  // namespace fasterapi
"""


def test_finds_each_function_with_its_length() -> None:
    found = {name.split("(")[0].split()[-1]: lines for _, lines, name in cpp_functions(SAMPLE)}
    assert found.pop("outer") == 8
    assert found.pop("size") == 1
    assert "thing" in found


def test_catches_a_long_function() -> None:
    body = "\n".join("  work();" for _ in range(FUNCTION_LINES_MAX - 1))
    assert long_functions([source("src/core/a.cc", f"void fits() {{\n{body[10:]}\n}}\n")]) == []
    assert long_functions([source("src/core/a.cc", f"void long_one() {{\n{body}\n}}\n")])
    assert long_functions([source("src/core/a.cc", f"class x {{\n  int f() const {{\n{body}\n  }}\n}};\n")])
    assert long_functions([source("src/core/a_test.cc", f"TEST(A, B) {{\n{body}\n}}\n")])
    python = "\n".join("    work()" for _ in range(FUNCTION_LINES_MAX))
    assert long_functions([source("a.py", f"async def f():\n{python}\n")])


def test_does_not_count_a_docstring() -> None:
    docstring = "\n".join("    words" for _ in range(FUNCTION_LINES_MAX))
    assert long_functions([source("a.py", f'def f():\n    """First.\n{docstring}\n    """\n    return 1\n')]) == []


def test_catches_a_long_file() -> None:
    assert long_files([source("src/core/a.cc", "\n" * (FILE_LINES_MAX + 1))])
    assert long_files([source("src/core/a.cc", "\n" * FILE_LINES_MAX)]) == []
