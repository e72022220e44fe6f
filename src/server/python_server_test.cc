// A server whose routes are Python functions. Needs Python's shared library.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "fasterapi/python/runtime.h"
#include "fasterapi/server/server.h"
#include "server/waiting_client.h"

namespace fasterapi::server {
namespace {

constexpr const char* functions = R"(
import os
import threading

def show(name, size="3", *, unit="m"): return [name, size, unit]
def everything(**given): return given
def length(body): return len(body)
def text(): return "<b>"
def raw(): return b"\x00\xff"
def nothing(): return None
def fails(): raise ValueError("secret")
def not_json(): return {"x": float("nan")}
def not_plain(): return threading.Lock()
async def suspends(): return 1
def positional(name, /): return name
def thread(): return threading.get_ident()
may_go_on = threading.Event()
waiting = []
def wait_for_release():
    waiting.append(1)
    may_go_on.wait(20)
def count_waiting(): return len(waiting)
def release(): may_go_on.set()
def stand(seen, until):
    os.write(int(seen), b"x")
    return len(os.read(int(until), 1))
class Nested:
    @staticmethod
    def answer(): return 42
)";

class PythonServerTest : public testing::Test {
 protected:
  void SetUp() override {
    settings.port = 0;
    settings.num_pinned_workers = 2;
    settings.num_pooled_workers = 2;
    settings.init = functions;
    make();
  }
  void make() {
    auto made = server::create(settings);
    ASSERT_TRUE(made.ok());
    srv = made.take();
  }
  static python_handler calls(const std::string& function, python_run run = python_run::inline_,
                              python_response kind = python_response::json) {
    return {"__main__", function, run, kind};
  }
  void start() {
    auto started = srv->start();
    ASSERT_TRUE(started.ok()) << started.failure().message << started.failure().detail;
  }
  void stop() {
    srv->stop();
    EXPECT_TRUE(srv->wait().ok());
  }
  std::string why_it_does_not_start() {
    auto started = srv->start();
    return started.ok() ? "it starts" : started.failure().message;
  }

  server_config settings;
  std::unique_ptr<server> srv;
};

TEST_F(PythonServerTest, FunctionsAreCalledWithPathAndQueryByName) {
  for (const auto run : {python_run::inline_, python_run::pooled}) {
    const std::string where = run == python_run::inline_ ? "/inline" : "/pooled";
    srv->get(where + "/show/{name}", calls("show", run));
    srv->get(where + "/everything/{name}", calls("everything", run));
    srv->get(where + "/nested", calls("Nested.answer", run));
    srv->post(where + "/length", calls("length", run));
  }
  srv->get("/cpp", [](const request&) { return response::text("C++"); });
  start();
  waiting_client one(srv->port());
  for (const std::string where : {"/inline", "/pooled"}) {
    EXPECT_EQ(one.get(where + "/show/Zo%C3%AB?unit=km&other=1").body, "[\"Zo\u00eb\",\"3\",\"km\"]");
    EXPECT_EQ(one.get(where + "/show/x?size=1&size=2&name=y").body, "[\"x\",\"2\",\"m\"]");
    EXPECT_EQ(one.get(where + "/everything/x?a=1").body, "{\"name\":\"x\",\"a\":\"1\"}");
    EXPECT_EQ(one.get(where + "/nested").body, "42");
    EXPECT_EQ(one.post(where + "/length", "12345").body, "5");
  }
  EXPECT_EQ(one.get("/cpp").body, "C++");
  stop();
}

TEST_F(PythonServerTest, WhatIsMissingIsRefused) {
  srv->get("/show", calls("show"));
  start();
  const reply made = waiting_client(srv->port()).get("/show?size=1");
  EXPECT_EQ(made.status, 422);
  EXPECT_EQ(
      made.body,
      "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"query\",\"name\"],\"msg\":\"Field required\",\"input\":null}]}");
  stop();
}

TEST_F(PythonServerTest, ResultsAreSentByTheirKind) {
  srv->get("/json", calls("text"));
  srv->get("/text", calls("text", python_run::inline_, python_response::text));
  srv->get("/html", calls("text", python_run::pooled, python_response::html));
  srv->get("/raw", calls("raw"));
  srv->get("/nothing", calls("nothing"));
  start();
  waiting_client one(srv->port());
  EXPECT_EQ(one.get("/json").body, "\"<b>\"");
  reply made = one.get("/text");
  EXPECT_EQ(made.body, "<b>");
  EXPECT_NE(made.head.find("text/plain"), std::string::npos);
  made = one.get("/html");
  EXPECT_EQ(made.body, "<b>");
  EXPECT_NE(made.head.find("text/html"), std::string::npos);
  EXPECT_EQ(one.get("/raw").body, std::string("\0\xff", 2));
  EXPECT_EQ(one.get("/nothing").body, "null");
  stop();
}

TEST_F(PythonServerTest, AFailureIs500AndStaysHere) {
  for (const char* function : {"fails", "not_json", "not_plain"}) {
    srv->get("/inline/" + std::string(function), calls(function));
    srv->get("/pooled/" + std::string(function), calls(function, python_run::pooled));
  }
  start();
  waiting_client one(srv->port());
  for (const char* function : {"fails", "not_json", "not_plain"}) {
    for (const std::string where : {"/inline/", "/pooled/"}) {
      const reply made = one.get(where + function);
      EXPECT_EQ(made.status, 500) << function;
      EXPECT_EQ(made.body.find("secret"), std::string::npos);
    }
  }
  stop();
}

TEST_F(PythonServerTest, EveryWorkerHasAnInterpreterOfItsOwn) {
  srv->get("/thread", calls("thread"));
  start();
  // The kernel spreads connections; with so many, none of two workers is left out.
  std::vector<std::string> seen;
  for (int i = 0; i < 64; ++i) seen.push_back(waiting_client(srv->port()).get("/thread").body);
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  EXPECT_EQ(seen.size(), 2U);
  stop();
}

TEST_F(PythonServerTest, PythonThatRunsAlreadyIsUsedAndOneThatIsNotNeededIsNotStarted) {
  settings.init.clear();
  settings.num_pooled_workers = 0;
  make();
  srv->get("/cpp", [](const request&) { return response::text("C++"); });
  start();
  EXPECT_EQ(waiting_client(srv->port()).get("/cpp").body, "C++");
  auto python = python::runtime::start();  // which fails where Python is initialised
  ASSERT_TRUE(python.ok()) << python.failure().message;
  stop();

  settings.init = functions;
  make();
  srv->get("/nested", calls("Nested.answer"));
  start();
  EXPECT_EQ(waiting_client(srv->port()).get("/nested").body, "42");
  stop();
}

TEST_F(PythonServerTest, ModulesAreFoundOnThePathThatItIsGiven) {
  const std::string folder = testing::TempDir();
  std::ofstream(folder + "/served_module.py") << "def answer(): return 'from a \\'file\\''\n";
  settings.python_path = {"/no/such \"folder\"", folder};
  settings.init = "served_module";
  make();
  srv->get("/", python_handler{"served_module", "answer"});
  start();
  EXPECT_EQ(waiting_client(srv->port()).get("/").body, "\"from a 'file'\"");
  stop();
}

TEST_F(PythonServerTest, APooledCallWhoseClientIsGoneIsNoFailure) {
  settings.num_pooled_interpreters = 1;
  settings.num_pinned_workers = 1;
  make();
  srv->get("/wait", calls("wait_for_release", python_run::pooled));
  srv->get("/release", calls("release", python_run::pooled));
  srv->get("/waiting", calls("count_waiting", python_run::pooled));
  start();
  waiting_client other(srv->port());
  testing::internal::CaptureStderr();
  {
    waiting_client one(srv->port());
    one.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    while (other.get("/waiting").body == "0") std::this_thread::yield();
    one.reset();
  }
  EXPECT_EQ(other.get("/release").body, "null");
  stop();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(PythonServerTest, OnlySoManyPooledCallsWait) {
  settings.num_pinned_workers = 1;
  settings.num_pooled_workers = 1;
  settings.queue_size = 1;
  make();
  srv->get("/stand", calls("stand", python_run::pooled));
  start();
  int seen[2];
  int until[2];
  ASSERT_EQ(::pipe(seen), 0);
  ASSERT_EQ(::pipe(until), 0);
  const std::string target = "/stand?seen=" + std::to_string(seen[1]) + "&until=" + std::to_string(until[0]);
  waiting_client runs(srv->port());
  runs.send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
  char letter;
  ASSERT_EQ(::read(seen[0], &letter, 1), 1);
  waiting_client waits(srv->port());
  waits.send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
  waiting_client refused(srv->port());
  EXPECT_EQ(refused.get("/nowhere").status, 404);  // and whatever came before has been looked at
  const reply told = refused.get(target);
  EXPECT_EQ(told.status, 503);
  EXPECT_NE(told.head.find("\r\nretry-after: 1\r\n"), std::string::npos);
  ASSERT_EQ(::write(until[1], "yy", 2), 2);
  EXPECT_EQ(runs.receive().body, "1");
  EXPECT_EQ(waits.receive().body, "1");
  stop();
  for (const int each : {seen[0], seen[1], until[0], until[1]}) ::close(each);
}

TEST_F(PythonServerTest, WhatCannotBeServedIsToldAtTheStart) {
  const auto refused = [this](const std::string& pattern, python_handler by) {
    make();
    srv->get(pattern, std::move(by));
    return why_it_does_not_start();
  };
  EXPECT_EQ(refused("/", calls("suspends")), "__main__.suspends: the function is a coroutine function");
  EXPECT_EQ(refused("/", calls("positional")),
            "__main__.positional: the function has the positional-only parameter name");
  EXPECT_EQ(refused("/", calls("missing")), "__main__.missing does not exist");
  EXPECT_EQ(refused("/", calls("waiting")), "__main__.waiting cannot be called");
  EXPECT_EQ(refused("/{other}", calls("text")), "__main__.text has no parameter \"other\", which its route's path has");
  EXPECT_NE(refused("/", {"no_such_module", "x"}).find("no_such_module"), std::string::npos);
  settings.num_pooled_workers = 0;
  EXPECT_EQ(refused("/", calls("text", python_run::pooled)),
            "__main__.text is to run pooled, but there are no pooled workers");
  settings.init = "raise RuntimeError('not today')";
  EXPECT_NE(refused("/", calls("text")).find("not today"), std::string::npos);
}

}  // namespace
}  // namespace fasterapi::server
