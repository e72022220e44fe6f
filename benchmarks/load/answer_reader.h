#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Takes the bytes of answers apart, as far as a load client must know: status, whether the connection ends, the body.
// Every answer has a Content-Length, none is chunked.
class answer_reader {
 public:
  enum class progress { incomplete, whole, broken };

  void feed(std::string_view bytes) { bytes_ += bytes; }
  bool empty() const { return bytes_.empty(); }
  void forget() { bytes_.clear(); }

  // The next final answer; interim ones are skipped. `whole`: status(), closes() and body() are of it until pop().
  progress read() {
    for (;;) {
      const size_t head_size = bytes_.find("\r\n\r\n");
      if (head_size == std::string::npos) return bytes_.size() > head_max ? progress::broken : progress::incomplete;
      const std::string_view head = std::string_view(bytes_).substr(0, head_size + 2);
      if (!head.starts_with("HTTP/1.1 ") || !number(head.substr(9, 3), status_)) return progress::broken;
      size_t body_size = 0;
      if (status_ >= 200 && !number(field(head, "content-length: "), body_size)) return progress::broken;
      if (bytes_.size() < head_size + 4 + body_size) return progress::incomplete;
      end_ = head_size + 4 + body_size;
      if (status_ < 200) {
        pop();
        continue;
      }
      body_at_ = head_size + 4;
      closes_ = field(head, "connection: ") == "close";
      return progress::whole;
    }
  }
  void pop() { bytes_.erase(0, end_); }

  unsigned status() const { return status_; }
  bool closes() const { return closes_; }
  std::string_view body() const { return std::string_view(bytes_).substr(body_at_, end_ - body_at_); }

 private:
  static constexpr size_t head_max = 64 * 1024;

  template <typename Number>
  static bool number(std::string_view text, Number& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc{} && end == text.data() + text.size();
  }

  static bool same(std::string_view text, std::string_view lower_case) {
    for (size_t i = 0; i < lower_case.size(); ++i) {
      const char each = text[i];
      if ((each >= 'A' && each <= 'Z' ? each + ('a' - 'A') : each) != lower_case[i]) return false;
    }
    return true;
  }
  // The rest of the line that begins with `name`, which is in lower case; "" where there is none.
  static std::string_view field(std::string_view head, std::string_view name) {
    for (size_t at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
      const std::string_view rest = head.substr(at + 2);
      if (rest.size() >= name.size() && same(rest, name))
        return rest.substr(name.size(), rest.find("\r\n") - name.size());
    }
    return {};
  }

  std::string bytes_;
  size_t end_ = 0;
  size_t body_at_ = 0;
  unsigned status_ = 0;
  bool closes_ = false;
};
