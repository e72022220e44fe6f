#include "fasterapi/python/gil.h"

#include <gtest/gtest.h>

#include <thread>

#include "fasterapi/python/interpreter.h"
#include "fasterapi/python/ref.h"

namespace fasterapi::python {
namespace {

// Of the calling thread; null when it is attached to no interpreter.
PyThreadState* attached() {
#if PY_VERSION_HEX >= 0x030D0000
  return PyThreadState_GetUnchecked();
#else
  return _PyThreadState_UncheckedGet();
#endif
}

TEST(GILGuard, EntersAndLeavesAnInterpreter) {
  const thread_state place(PyInterpreterState_Main());
  EXPECT_EQ(attached(), nullptr);
  {
    const GILGuard held(place);
    EXPECT_EQ(PyThreadState_Get(), place.get());
    EXPECT_EQ(held.token().interpreter(), PyInterpreterState_Main());
    {
      const GILRelease outside(held);
      EXPECT_EQ(attached(), nullptr);
      // Somebody else can have it meanwhile.
      std::thread([] {
        const thread_state other(PyInterpreterState_Main());
        const GILGuard there(other);
      }).join();
    }
    EXPECT_EQ(PyThreadState_Get(), place.get());
  }
  EXPECT_EQ(attached(), nullptr);
}

TEST(GILGuard, HoldsTwoInterpretersOnTwoThreadsAtOnce) {
  const thread_state place(PyInterpreterState_Main());
  const GILGuard held(place);
  // Making an interpreter needs the main one's GIL; being in it does not.
  PyThreadState* inner = nullptr;
  {
    const GILRelease outside(held);
    auto made = interpreter::create();
    ASSERT_TRUE(made.ok());
    interpreter own = made.take();
    inner = PyEval_SaveThread();
    const thread_state again(PyInterpreterState_Main());
    const GILGuard main_is_held(again);
    std::thread([state = PyThreadState_GetInterpreter(inner)] {
      const thread_state here(state);
      const GILGuard there(here);
      EXPECT_NE(PyInterpreterState_GetID(there.token().interpreter()), 0);
    }).join();
    {
      const GILRelease neither(main_is_held);
      PyEval_RestoreThread(inner);
      own.end();
    }
  }
}

#ifdef FASTERAPI_BOUND_REFS
TEST(RefDeathTest, StopsWhereAnotherInterpreterUsesIt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        const thread_state place(PyInterpreterState_Main());
        PyEval_RestoreThread(place.get());
        ref here = ref::steal(PyLong_FromLong(123456));
        PyEval_SaveThread();
        auto own = interpreter::create().take();
        here = ref();
      },
      "another interpreter");
}
#endif

}  // namespace
}  // namespace fasterapi::python
