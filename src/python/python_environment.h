#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "fasterapi/python/runtime.h"

// Python for all tests of a program, which can be started once. To be included by one source of it.

namespace fasterapi::python {

class python_environment : public testing::Environment {
 public:
  void SetUp() override {
    auto started = runtime::start();
    ASSERT_TRUE(started.ok()) << started.failure().message;
    runtime_ = started.take();
  }
  void TearDown() override { runtime_.reset(); }

 private:
  std::unique_ptr<runtime> runtime_;
};
[[maybe_unused]] inline const auto* const environment = testing::AddGlobalTestEnvironment(new python_environment);

}  // namespace fasterapi::python
