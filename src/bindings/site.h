#pragma once

#include <Python.h>

#include <optional>
#include <string_view>

#include "bindings/module_state.h"
#include "core/byte_buffer.h"
#include "json/reader.h"
#include "net/address.h"
#include "schema/errors.h"
#include "server/answer_view.h"
#include "server/call.h"

namespace fasterapi::bindings {

struct loop_object;
struct routes_object;

// A place where handlers run, and from which their answers go to the shards of their calls.
//
// A worker's own loop drives the shard of its calls. In the pool each call is a guest (server/call_runner.h), from a
// shard that another thread drives meanwhile; a worker's loop may have guests too. What handlers' code does not share
// with the rest of a call's life is used through the functions below only, so that nothing else need know whose it is.
//
// Owner: its thread, attached to its interpreter, which calls the functions below.
struct site {
  module_state* state = nullptr;    // of the interpreter
  routes_object* routes = nullptr;  // these two are held by whoever has the site
  PyObject* app = nullptr;
  loop_object* loop = nullptr;  // that goes on with suspended coroutines
  bool drives_loop = false;     // this is the loop's own thread
  bool keeps_requests = false;  // requests stay readable while their handler is suspended: exception handlers get them
  json::reader* reader = nullptr;  // of bodies that the shard has not read
  core::byte_buffer body;          // of the answer under way, with room for its head before it
};

// The two ends of a call's connection.
struct endpoints {
  net::address local;
  net::address peer;
  bool has_peer = false;  // false: the client was gone before anybody asked
};

// Hands an answer to the call's shard, after whoever still holds the request has got a copy of it. The call is over.
void answer(site& here, server::call& ended, const server::answer_view& given);
// The same with 500, and with what to write to the log.
void answer_internal_error(site& here, server::call& ended, std::string_view why);
// The answer to a call whose values were refused: valid until the site's next call. None where the app answers itself:
// the call's `refused` is set.
std::optional<server::answer_view> refuse_invalid(site& here, server::call& refused, const schema::error_list& errors);
// The handler goes on later; views into the request stay valid only with `keep_request`. False, with nothing changed,
// when there was no memory for that.
[[nodiscard]] bool suspend(site& here, server::call& later, bool keep_request);
// Before the app's code for a call, which its deadline may interrupt: the shard may be driven by another thread until
// one of the other functions is called.
void leave_shard(const site& here, server::call& running);
// The same before code of the engine's own, which follows on the app's and is not interrupted, up to leave_shard().
void shelter(const site& here, server::call& running);
// Before a `def` handler: as everywhere where such handlers run, asyncio knows of no loop that runs in this thread.
void hide_loop(const site& here);
// The handler has suspended: what runs from here on is others' code, which its deadline must not interrupt.
void pause(const site& here, const server::call& running);
// Whether nobody waits for the answer any more.
bool is_unwanted(const site& here, const server::call& running);
// Whether that is because its deadline has passed. After is_unwanted().
bool is_timed_out(const server::call& running);
// Whether the request can be read still. After is_unwanted().
bool is_readable(const site& here, const server::call& running);
// Whether what the handler has raised is due to the end of the loop that ran it. After is_unwanted().
bool is_lost(const site& here, const server::call& running);
// The answer to such a call.
void answer_lost(site& here, server::call& ended);
// The task of a call that has suspended: a reference that is the call's, or null.
PyObject*& task_of(const site& here, server::call& running);
endpoints endpoints_of(const site& here, const server::call& running);

}  // namespace fasterapi::bindings
