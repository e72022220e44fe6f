#include "bindings/site.h"

#include "bindings/loop.h"
#include "bindings/pool_call.h"
#include "bindings/request.h"
#include "bindings/routes.h"
#include "python/interruption.h"
#include "server/connection.h"
#include "server/invalid_answer.h"
#include "server/shard.h"

namespace fasterapi::bindings {

namespace {

// Of a worker's own loop: the shard, which is touched after this only.
server::shard& shard_of(const site& here) {
  enter_shard(here.loop);
  return *here.loop->core->shard;
}

bool is_guest(const server::call& running) noexcept { return running.runner != nullptr; }

// Of a thread of the pool.
python::interruption& raised_here() noexcept { return *python::interruption::here(); }

// A guest's handler has come to an end, or to a pause.
void pause_guest(const site& here) {
  if (!here.drives_loop) return raised_here().shelter();
  enter_shard(here.loop);
  // Nobody but the guests' own deadlines interrupts a loop that serves nothing.
  if (here.loop->core->watched_by == nullptr) here.loop->core->deadlines->settle();
}

// For code that may take its time.
void leave(const site& here, server::call& running) {
  // A worker's shard that is lent knows its own calls only.
  const bool is_others = is_guest(running) && here.loop->core->watched_by != nullptr;
  here.loop->core->hold->leave(is_others ? nullptr : &running);
}

}  // namespace

void answer(site& here, server::call& ended, const server::answer_view& given) {
  if (is_guest(ended)) [[unlikely]] {
    pause_guest(here);
    return pool_call::of(ended).deliver(given);
  }
  server::shard& shard = shard_of(here);
  detach_request(ended);
  shard.answer(ended, given);
}

void answer_internal_error(site& here, server::call& ended, std::string_view why) {
  if (is_guest(ended)) {
    pause_guest(here);
    return pool_call::of(ended).deliver_error(why);
  }
  server::shard& shard = shard_of(here);
  detach_request(ended);
  shard.answer_internal_error(ended, why);
}

std::optional<server::answer_view> refuse_invalid(site& here, server::call& refused, const schema::error_list& errors) {
  if (!is_guest(refused)) return shard_of(here).refuse_invalid(refused, errors);
  return server::invalid_answer(application_of(here.routes), refused, errors, here.body);
}

bool suspend(site& here, server::call& later, bool keep_request) {
  if (is_guest(later)) return true;  // since it was given to the pool
  return shard_of(here).suspend(later, keep_request);
}

void leave_shard(const site& here, server::call& running) {
  if (!here.drives_loop) return raised_here().expose();
  here.loop->core->deadlines->expose();
  leave(here, running);
}

void shelter(const site& here, server::call& running) {
  if (!here.drives_loop) return raised_here().shelter();
  here.loop->core->deadlines->shelter();
  leave(here, running);
}

void hide_loop(const site& here) {
  if (here.drives_loop) hide_loop(here.loop);
}

void pause(const site& here, const server::call& running) {
  if (is_guest(running)) return pause_guest(here);
  enter_shard(here.loop);
}

bool is_unwanted(const site& here, const server::call& running) {
  if (is_guest(running)) {
    pause_guest(here);
    return pool_call::of(running).given_up();
  }
  enter_shard(here.loop);
  return running.origin == nullptr;
}

bool is_timed_out(const server::call& running) {
  return is_guest(running) ? pool_call::of(running).timed_out() : running.timed_out;
}

bool is_readable(const site& here, const server::call& running) {
  const bool is_kept = here.keeps_requests || !running.held.empty();
  return is_guest(running) || running.at == server::call::stage::handling || is_kept;
}

bool is_lost(const site&, const server::call& running) {
  return is_guest(running) && pool_call::of(running).ends_with_loop();
}

void answer_lost(site& here, server::call& ended) {
  pause_guest(here);
  pool_call::of(ended).deliver_lost();
}

PyObject*& task_of(const site&, server::call& running) {
  if (is_guest(running)) return pool_call::of(running).task;
  return reinterpret_cast<PyObject*&>(running.handler);
}

endpoints endpoints_of(const site& here, const server::call& running) {
  if (is_guest(running)) return pool_call::of(running).ends();
  endpoints found;
  found.local = shard_of(here).local();
  found.has_peer = running.origin != nullptr;
  if (found.has_peer) found.peer = running.origin->peer;
  return found;
}

}  // namespace fasterapi::bindings
