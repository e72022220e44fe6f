#include "bindings/site.h"

#include "bindings/loop.h"
#include "bindings/request.h"
#include "server/connection.h"
#include "server/shard.h"

namespace fasterapi::bindings {

namespace {

// Of a worker's own loop: the shard, which is touched after this only.
server::shard& shard_of(const site& here) {
  enter_shard(here.loop);
  return *here.loop->core->shard;
}

}  // namespace

void answer(site& here, server::call& ended, const server::answer_view& given) {
  server::shard& shard = shard_of(here);
  detach_request(ended);
  shard.answer(ended, given);
}

void answer_internal_error(site& here, server::call& ended, std::string_view why) {
  server::shard& shard = shard_of(here);
  detach_request(ended);
  shard.answer_internal_error(ended, why);
}

std::optional<server::answer_view> refuse_invalid(site& here, server::call& refused, const schema::error_list& errors) {
  return shard_of(here).refuse_invalid(refused, errors);
}

bool suspend(site& here, server::call& later, bool keep_request) {
  return shard_of(here).suspend(later, keep_request);
}

void leave_shard(const site& here, server::call& running) { here.loop->core->hold->leave(&running); }

bool is_unwanted(const site& here, const server::call& running) {
  enter_shard(here.loop);
  return running.origin == nullptr;
}

std::optional<std::string> timeout_of(const site&, const server::call& running) {
  if (!running.timed_out) return std::nullopt;
  return running.error_id;
}

bool is_readable(const site& here, const server::call& running) {
  return running.at == server::call::stage::handling || here.keeps_requests;
}

PyObject*& task_of(const site&, server::call& running) { return reinterpret_cast<PyObject*&>(running.handler); }

endpoints endpoints_of(const site& here, const server::call& running) {
  endpoints found;
  found.local = shard_of(here).local();
  found.has_peer = running.origin != nullptr;
  if (found.has_peer) found.peer = running.origin->peer;
  return found;
}

}  // namespace fasterapi::bindings
