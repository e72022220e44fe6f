#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "latencies.h"

// What happened in one part of a run, as a line of JSON.
struct section {
  std::string name;
  uint64_t begun_us = 0;
  uint64_t sent = 0;
  uint64_t lost = 0;                      // sent, and the connection ended before the whole answer was there
  uint64_t lost_reused = 0;               // of them: without a byte, on a connection that had answered others
  uint64_t refused = 0;                   // connections that were not made
  uint64_t hung = 0;                      // neither answered nor closed in time
  uint64_t abandoned = 0;                 // left by this client on purpose
  uint64_t wrong = 0;                     // answers to something else, bytes that nobody asked for, or no HTTP
  std::map<unsigned, uint64_t> answered;  // by status
  latencies of_all;
  latencies of_success;  // of those with status 200

  void print(uint64_t now_us) const {
    std::printf("{\"section\": \"%s\", \"seconds\": %.3f", name.c_str(), static_cast<double>(now_us - begun_us) / 1e6);
    const auto show = [](const char* what, uint64_t value) {
      std::printf(", \"%s\": %llu", what, static_cast<unsigned long long>(value));
    };
    show("sent", sent);
    show("lost", lost);
    show("lost_reused", lost_reused);
    show("refused", refused);
    show("hung", hung);
    show("abandoned", abandoned);
    show("wrong", wrong);
    std::printf(", \"answered\": {");
    const char* separator = "";
    for (const auto& [status, count] : answered) {
      std::printf("%s\"%u\": %llu", separator, status, static_cast<unsigned long long>(count));
      separator = ", ";
    }
    std::printf("}");
    show("p50_us", of_all.quantile_us(0.5));
    show("p99_us", of_all.quantile_us(0.99));
    show("p999_us", of_all.quantile_us(0.999));
    show("max_us", of_all.greatest_us());
    show("success_p50_us", of_success.quantile_us(0.5));
    show("success_p99_us", of_success.quantile_us(0.99));
    show("success_max_us", of_success.greatest_us());
    std::printf("}\n");
    std::fflush(stdout);
  }
};
