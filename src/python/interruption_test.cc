#include "python/interruption.h"

#include <gtest/gtest.h>

#include "fasterapi/python/gil.h"
#include "fasterapi/python/ref.h"

namespace fasterapi::python {
namespace {

// Whether Python code that runs now is interrupted by an ArithmeticError.
bool is_interrupted() {
  const ref names = ref::steal(PyDict_New());
  const ref ran = ref::steal(PyRun_String("for i in range(10): pass", Py_file_input, names.get(), names.get()));
  const bool raised = !ran && PyErr_ExceptionMatches(PyExc_ArithmeticError);
  PyErr_Clear();
  return raised;
}

class Interruption : public testing::Test {
 protected:
  void SetUp() override { raised.bind(PyThreadState_Get()); }

  interruption raised;

 private:
  const thread_state place_ = thread_state::in_main();
  const GILGuard held_{place_};
};

TEST_F(Interruption, IsRaisedInTheCodeThatFollows) {
  raised.raise(PyExc_ArithmeticError, 0);
  EXPECT_TRUE(is_interrupted());
  EXPECT_FALSE(is_interrupted());
  EXPECT_TRUE(raised.settle());
  EXPECT_FALSE(raised.settle());
}

TEST_F(Interruption, LeavesTimeToCleanUpBeforeItIsRaisedAgain) {
  constexpr int64_t cleanup_ns = interruption::cleanup_ns;
  raised.raise(PyExc_ArithmeticError, 0);
  raised.raise(PyExc_ArithmeticError, 10 * cleanup_ns);  // the code was in C all the while
  EXPECT_TRUE(is_interrupted());
  for (const int64_t later : {int64_t{0}, cleanup_ns / 2, cleanup_ns - 1}) {
    raised.raise(PyExc_ArithmeticError, 20 * cleanup_ns + later);
    EXPECT_FALSE(is_interrupted());
  }
  raised.raise(PyExc_ArithmeticError, 21 * cleanup_ns);
  EXPECT_TRUE(is_interrupted());
  EXPECT_TRUE(raised.settle());
  raised.raise(PyExc_ArithmeticError, 21 * cleanup_ns);
  EXPECT_TRUE(is_interrupted()) << "it is other code";
}

TEST_F(Interruption, IsForgottenWhereItComesTooLate) {
  raised.raise(PyExc_ArithmeticError, 0);
  EXPECT_TRUE(raised.settle());
  EXPECT_FALSE(is_interrupted());
}

TEST_F(Interruption, DoesNotReachShelteredCode) {
  raised.raise(PyExc_ArithmeticError, 0);
  raised.shelter();
  EXPECT_FALSE(is_interrupted());
  raised.raise(PyExc_ArithmeticError, 0);
  EXPECT_FALSE(is_interrupted());
  raised.expose();
  EXPECT_FALSE(is_interrupted()) << "it was raised while the code was sheltered";
  raised.raise(PyExc_ArithmeticError, 0);
  EXPECT_TRUE(is_interrupted());
}

TEST_F(Interruption, IsThatOfTheThreadAsLongAsItIsThere) {
  EXPECT_EQ(interruption::here(), &raised);
  {
    interruption inner;
    inner.bind(PyThreadState_Get());
    EXPECT_EQ(interruption::here(), &inner);
  }
  EXPECT_EQ(interruption::here(), nullptr);
}

}  // namespace
}  // namespace fasterapi::python
