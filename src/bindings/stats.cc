#include "bindings/stats.h"

#include <memory>
#include <utility>

#include "bindings/call_pool.h"
#include "bindings/raise.h"
#include "core/clock.h"
#include "fasterapi/python/ref.h"
#include "server/metrics_board.h"

namespace fasterapi::bindings {

namespace {

using python::ref;
using server::metrics_board;
using server::shard_counts;

// A dict in the making; once something fails, nothing more is put into it.
class record {
 public:
  record() : dict_(ref::steal(PyDict_New())) {}

  void put(const char* name, uint64_t number) { put(name, ref::steal(PyLong_FromUnsignedLongLong(number))); }
  void put(const char* name, const server::tally& sum) { put(name, sum.value()); }
  void put(const char* name, const server::rare_tally& sum) { put(name, sum.value()); }
  void put(const char* name, const ref& value) {
    if (dict_ && (!value || PyDict_SetItemString(dict_.get(), name, value.get()) != 0)) dict_ = {};
  }
  // Null with a Python error set.
  ref take() { return std::move(dict_); }

 private:
  ref dict_;
};

// {"total_ns": …, "counts": {upper end of a bucket in ns: how many}}
ref durations_of(const core::latency_histogram& recorded) {
  using histogram = core::latency_histogram;
  const auto all = std::make_unique<histogram::summary>();
  all->add(recorded);
  const ref counts = ref::steal(PyDict_New());
  if (!counts) return {};
  for (size_t i = 0; i < histogram::summary::buckets; ++i) {
    if (all->counts[i] == 0) continue;
    const ref end = ref::steal(PyLong_FromLongLong(histogram::upper_end(i)));
    const ref count = ref::steal(PyLong_FromUnsignedLongLong(all->counts[i]));
    if (!end || !count || PyDict_SetItem(counts.get(), end.get(), count.get()) != 0) return {};
  }
  record durations;
  durations.put("total_ns", all->total_ns);
  durations.put("counts", counts);
  return durations.take();
}

ref answers_of(const server::status_tallies& answers) {
  ref list = ref::steal(PyList_New(0));
  for (const server::tally& each : answers) {
    const ref number = ref::steal(PyLong_FromUnsignedLongLong(each.value()));
    if (!list || !number || PyList_Append(list.get(), number.get()) != 0) return {};
  }
  return list;
}

ref route_of(const metrics_board& board, const metrics_board::place& place, uint32_t index) {
  const server::route_counts& counts = board.route(place, index);
  const std::string name = board.name(place, index);
  record route;
  route.put("name", ref::steal(PyUnicode_DecodeUTF8(name.data(), static_cast<Py_ssize_t>(name.size()), "replace")));
  route.put("requests", counts.requests());
  route.put("run_inline", counts.run_inline());
  route.put("run_pooled", counts.run_pooled);
  route.put("timeouts", counts.timeouts);
  route.put("slowest_ns", counts.slowest_ns);
  route.put("answers", answers_of(counts.answers));
  route.put("latency", durations_of(board.latency(place, index)));
  return route.take();
}

ref routes_of(const metrics_board& board, const metrics_board::place& place) {
  ref list = ref::steal(PyList_New(0));
  for (uint32_t i = 0; list && i < board.routes_of(place); ++i) {
    // What was never asked for takes no memory until it is looked at.
    if (board.route(place, i).requests() == 0) continue;
    const ref route = route_of(board, place, i);
    if (!route || PyList_Append(list.get(), route.get()) != 0) return {};
  }
  return list;
}

ref counts_of(const shard_counts& counts) {
  record all;
  // What ends is read before what began: gauges, their difference, are then never negative.
  all.put("connections_closed", counts.connections_closed);
  all.put("connections_accepted", counts.connections_accepted);
  all.put("connections_refused", counts.connections_refused);
  all.put("completed", counts.completed());
  all.put("handed_out", counts.handed_out);
  all.put("requests", counts.requests);
  all.put("requests_refused", counts.requests_refused);
  all.put("run_inline", counts.run_inline);
  all.put("run_pooled", counts.run_pooled);
  all.put("answered_without_handler", counts.answered_without_handler);
  all.put("bytes_in", counts.traffic.bytes_in);
  all.put("bytes_out", counts.traffic.bytes_out);
  all.put("settled", counts.traffic.settled);
  all.put("queued", counts.traffic.queued);
  all.put("hand_overs", counts.hand_overs);
  all.put("timeouts", counts.timeouts);
  all.put("interruptions", counts.interruptions);
  all.put("stuck", counts.stuck);
  all.put("lines_dropped", counts.lines_dropped);
  return all.take();
}

ref place_of(const metrics_board& board, const metrics_board::place& place) {
  record all;
  all.put("worker", ref::steal(PyLong_FromLong(place.worker.load(std::memory_order_relaxed))));
  all.put("process", ref::steal(PyLong_FromLong(place.process.load(std::memory_order_relaxed))));
  all.put("shards", place.shards.load(std::memory_order_relaxed));
  all.put("live", place.at.load(std::memory_order_relaxed) == metrics_board::place::live ? 1U : 0U);
  all.put("since_ns", static_cast<uint64_t>(place.since_ns.load(std::memory_order_relaxed)));
  all.put("counts", counts_of(place.counts));
  all.put("turns", durations_of(place.counts.turns));
  all.put("gil_wait", durations_of(place.counts.gil_wait));
  all.put("routes", routes_of(board, place));
  return all.take();
}

// None where there is no pool.
ref pool_here() {
  const std::shared_ptr<call_pool> pool = call_pool::here();
  if (pool == nullptr) return ref::share(Py_None);
  const python::executor_stats stats = pool->stats();
  record all;
  all.put("executed", stats.executed);
  all.put("rejected", stats.rejected);
  all.put("replaced", stats.replaced);
  all.put("queued", stats.queued);
  all.put("running", stats.running);
  all.put("stuck", stats.stuck);
  const auto put_times = [&all](const char* p50, const char* p99, const python::latency& times) {
    all.put(p50, static_cast<uint64_t>(times.p50_ns));
    all.put(p99, static_cast<uint64_t>(times.p99_ns));
  };
  put_times("queue_wait_p50_ns", "queue_wait_p99_ns", stats.queue_wait);
  put_times("run_time_p50_ns", "run_time_p99_ns", stats.run_time);
  put_times("gil_wait_p50_ns", "gil_wait_p99_ns", stats.gil_wait);
  return all.take();
}

PyObject* read_stats(PyObject*, PyObject*) {
  const std::shared_ptr<metrics_board> board = metrics_board::here();
  if (board == nullptr) Py_RETURN_NONE;
  const ref places = ref::steal(PyList_New(0));
  for (uint32_t i = 0; places && i < board->places(); ++i) {
    const metrics_board::place* place = board->at(i);
    if (place == nullptr) continue;
    const ref one = place_of(*board, *place);
    if (!one || PyList_Append(places.get(), one.get()) != 0) return nullptr;
  }
  record all;
  all.put("created_ns", static_cast<uint64_t>(board->created_ns()));
  all.put("now_ns", static_cast<uint64_t>(core::monotonic_ns()));
  all.put("creator", ref::steal(PyLong_FromLong(board->creator())));
  all.put("places", places);
  all.put("pool", pool_here());
  return all.take().release();
}

PyObject* open_board(PyObject*, PyObject* args) {
  unsigned int places;
  unsigned int routes;
  if (!PyArg_ParseTuple(args, "II", &places, &routes)) return nullptr;
  auto made = metrics_board::create(places, routes);
  if (!made.ok()) return raise_error(made.failure());
  const int descriptor = made.value()->descriptor();
  metrics_board::set_here(made.take());
  return PyLong_FromLong(descriptor);
}

PyObject* adopt_board(PyObject*, PyObject* number) {
  const auto file = static_cast<int>(PyLong_AsLong(number));
  if (file == -1 && PyErr_Occurred() != nullptr) return nullptr;
  auto adopted = metrics_board::attach(file);
  if (!adopted.ok()) return raise_error(adopted.failure());
  metrics_board::set_here(adopted.take());
  Py_RETURN_NONE;
}

// [(text, monotonic ns)], the earliest first.
PyObject* read_moves(PyObject*, PyObject*) {
  ref list = ref::steal(PyList_New(0));
  const std::shared_ptr<call_pool> pool = call_pool::here();
  if (!list || pool == nullptr) return list.release();
  for (const server::placement::move& each : pool->where().moves()) {
    const std::string text = server::describe(each, pool->where().label(each.route));
    const ref pair = ref::steal(
        Py_BuildValue("(s#L)", text.data(), static_cast<Py_ssize_t>(text.size()), static_cast<long long>(each.at_ns)));
    if (!pair || PyList_Append(list.get(), pair.get()) != 0) return nullptr;
  }
  return list.release();
}

PyMethodDef functions[] = {
    {"read_moves", read_moves, METH_NOARGS, "The last moves of handlers between the workers and the pool."},
    {"open_stats", open_board, METH_VARARGS,
     "Make the board of the server's figures: (places of workers, routes) -> its descriptor, for child processes."},
    {"adopt_stats", adopt_board, METH_O, "Use the board of an inherited descriptor."},
    {"read_stats", read_stats, METH_NOARGS, "What the board says now; None in a process without one."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_stats(PyObject* module, module_state&) { return PyModule_AddFunctions(module, functions); }

}  // namespace fasterapi::bindings
