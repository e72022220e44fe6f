#include "bindings/worker_pool.h"

#include <utility>

#include "fasterapi/python/error.h"
#include "fasterapi/python/ref.h"
#include "python/module_path.h"

namespace fasterapi::bindings {

namespace {

using python::ref;

// Imports what every worker needs, whatever the app.
core::result<> import_worker(const python::gil& held) {
  if (!ref::steal(PyImport_ImportModule("fasterapi._worker"))) return python::error::take(held).as_core();
  return core::nothing{};
}

core::result<> prepare_interpreter(const std::vector<std::string>& python_path, const python::gil& held) {
  if (!python::set_module_path(python_path)) return python::error::take(held).as_core();
  // What is imported now stays: collecting meanwhile would find nothing. run_pinned turns the collector on again.
  PyGC_Disable();
  return import_worker(held);
}

}  // namespace

worker_pool::worker_pool(worker_home home, std::vector<std::string> python_path)
    : home_(home), python_path_(std::move(python_path)) {}

worker_pool::~worker_pool() {
  join();
  for (pinned_worker* one : workers_) one->release();
}

std::unique_ptr<worker_pool> worker_pool::fresh(const std::vector<std::string>& python_path) {
  return std::make_unique<worker_pool>(worker_home::own_interpreters, python_path);
}

void worker_pool::launch(size_t count) {
  python::crew_plan plan;
  plan.work_stealing = false;
  plan.spin_ns = 0;
  plan.queue_size = count;  // the one job of each
  if (home_ == worker_home::main_interpreter) {
    plan.main_threads = count;
    plan.prepare = [](const python::gil& held, python::place&) { return import_worker(held); };
  } else {
    plan.pinned = count;
    plan.prepare = [path = python_path_](const python::gil& held, python::place&) {
      return prepare_interpreter(path, held);
    };
  }
  auto launched = python::crew::launch(std::move(plan));
  const std::shared_ptr<python::crew> made = launched.take();
  for (size_t i = 0; i < count; ++i) seats_.push_back({made, i % made->positions()});
  crews_.push_back(made);
}

void worker_pool::resize(size_t count) {
  if (seats_.size() < count) launch(count - seats_.size());
  if (home_ == worker_home::main_interpreter) return;
  for (size_t i = count; i < seats_.size(); ++i) seats_[i].crew->dismiss(seats_[i].position);
  seats_.resize(count);
}

void worker_pool::open_call_pool(pool_plan plan, std::shared_ptr<const net::doorbell> events) {
  plan.python_path = python_path_;
  plan.changed = [events = std::move(events)] { events->ring(); };
  keeper_ = std::make_shared<pool_keeper>(std::move(plan));
}

void worker_pool::assign(const std::vector<int>& places, const std::string& config, const std::vector<int>& cpus,
                         const std::shared_ptr<const net::doorbell>& events) {
  const std::shared_ptr<call_pool> pool = keeper_ == nullptr ? nullptr : keeper_->pool();
  for (size_t i = 0; i < seats_.size(); ++i) {
    const int place = places[i];
    const int cpu = cpus.empty() ? -1 : cpus[static_cast<size_t>(place) % cpus.size()];
    const char* program = home_ == worker_home::main_interpreter ? "run_thread" : "run_pinned";
    auto* worker = new pinned_worker({place, cpu, program, config, pool}, events);
    workers_.push_back(worker);
    worker->retain();
    const auto where = python::destination::position(seats_[i].position);
    auto taken = seats_[i].crew->submit(*worker, where, python::when_full::fail);
    if (taken.ok()) continue;
    worker->abandon(taken.take_failure());
    worker->release();
  }
}

void worker_pool::request_stop() {
  for (pinned_worker* one : workers_) one->request_stop();
}

void worker_pool::request_drain() {
  for (pinned_worker* one : workers_) one->request_drain();
}

void worker_pool::close() {
  for (auto& each : crews_) each->close(python::shutdown_mode::cancel);
  if (keeper_.use_count() == 1) keeper_->pool()->close();
}

bool worker_pool::has_ended() const {
  return std::all_of(crews_.begin(), crews_.end(), [](const auto& each) { return each->has_ended(); }) &&
         (keeper_.use_count() != 1 || keeper_->pool()->has_ended());
}

void worker_pool::join() {
  for (auto& each : crews_) static_cast<void>(each->shut_down(python::shutdown_mode::cancel, -1));
  crews_.clear();
  keeper_.reset();
}

const pinned_worker* worker_pool::failed() const {
  for (const pinned_worker* one : workers_) {
    if (one->now() == pinned_worker::state::failed) return one;
  }
  return nullptr;
}

std::vector<std::string> worker_pool::routes() const {
  std::vector<std::string> all;
  for (const pinned_worker* one : workers_) all.push_back(one->text());
  if (keeper_ == nullptr) return all;
  for (std::string& one : keeper_->pool()->routes()) all.push_back(std::move(one));
  return all;
}

}  // namespace fasterapi::bindings
