#include "core/model/choices.h"

#include <bit>

namespace fasterapi::core::model {

namespace {

thread_set only(size_t thread) { return thread_set{1} << thread; }

size_t first_of(thread_set threads) { return static_cast<size_t>(std::countr_zero(threads)); }

bool changes(const operation& one) {
  return one.what == operation::kind::store || one.what == operation::kind::wait || one.what == operation::kind::wake;
}

}  // namespace

bool independent(const operation& left, const operation& right) {
  using kind = operation::kind;
  if (left.what == kind::local || right.what == kind::local) return true;
  if (left.what == kind::pause) return !changes(right);
  if (right.what == kind::pause) return !changes(left);
  return left.address != right.address || !(changes(left) || changes(right));
}

bool choices::next() {
  position_ = 0;
  sleeping_ = 0;
  preemptions_ = 0;
  repeats_ = false;
  if (!begun_) return begun_ = true;
  for (; !path_.empty(); path_.pop_back()) {
    node& last = path_.back();
    if (!last.of_threads) {
      if (++last.chosen < last.count) return true;
      continue;
    }
    last.sleeping |= only(last.chosen);
    if (const thread_set left = last.enabled & ~last.sleeping; left != 0) {
      last.chosen = first_of(left);
      return true;
    }
  }
  return false;
}

choices::node* choices::known_node(bool of_threads, size_t count, thread_set enabled) {
  if (position_ == path_.size()) return nullptr;
  node& known = path_[position_++];
  strayed_ |= known.of_threads != of_threads || known.count != count || known.enabled != enabled;
  return &known;
}

size_t choices::pick_thread(thread_set enabled, const std::array<operation, threads_max>& pending, size_t preferred) {
  if (repeats_ || strayed_) return (enabled & only(preferred)) != 0 ? preferred : first_of(enabled);
  node* here = known_node(true, 0, enabled);
  if (strayed_) return first_of(enabled);
  const bool could_go_on = (enabled & only(preferred)) != 0;
  if (here == nullptr) {
    thread_set awake = enabled & ~sleeping_;
    if (could_go_on && preemptions_ == preemptions_max_) awake = only(preferred);
    if (awake == 0) {
      repeats_ = true;
      return first_of(enabled);
    }
    const size_t chosen = (awake & only(preferred)) != 0 ? preferred : first_of(awake);
    // Those that are not awake count as done.
    here = &path_.emplace_back(
        node{.of_threads = true, .chosen = chosen, .count = 0, .enabled = enabled, .sleeping = enabled & ~awake});
    position_ = path_.size();
  }
  if (could_go_on && here->chosen != preferred) ++preemptions_;
  sleeping_ = 0;
  if (preemptions_max_ != unbounded) return here->chosen;
  for (thread_set rest = here->sleeping; rest != 0; rest &= rest - 1) {
    const size_t thread = first_of(rest);
    if (thread != here->chosen && independent(pending[thread], pending[here->chosen])) sleeping_ |= only(thread);
  }
  return here->chosen;
}

size_t choices::pick(size_t count) {
  if (count < 2 || repeats_ || strayed_) return 0;
  node* here = known_node(false, count, 0);
  if (strayed_) return 0;
  if (here == nullptr) {
    here = &path_.emplace_back(node{.of_threads = false, .chosen = 0, .count = count, .enabled = 0, .sleeping = 0});
    position_ = path_.size();
  }
  return here->chosen;
}

}  // namespace fasterapi::core::model
