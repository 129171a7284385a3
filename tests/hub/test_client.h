// A plain HTTP client for the tests of the test Hub: one request, no redirects, no opinions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/hub/exchange.h"

namespace neffs::test {

struct Reply {
  int status = 0;  // 0: no answer
  HeaderMap headers;
  std::string body;
  bool broken = false;  // the connection ended before the promised length

  std::string header(const std::string& name) const;
};

struct Ask {
  std::string method = "GET";
  std::string token{};
  std::vector<std::string> headers{};  // "Name: value"
  std::string body{};                  // POST and PUT only
};

// Throws nothing; what went wrong is in the reply.
Reply ask(const std::string& url, const Ask& ask = {});

}  // namespace neffs::test
