#include "tests/hub/exchange.h"

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "tests/hub/digest.h"

namespace neffs::test {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string encode(std::string_view text, std::string_view left_alone) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) || left_alone.find(c) != std::string::npos) {
      out += c;
    } else {
      std::string hex = to_hex({&c, 1});
      std::transform(hex.begin(), hex.end(), hex.begin(), ::toupper);
      out += '%' + hex;
    }
  }
  return out;
}

}  // namespace

bool IgnoreCase::operator()(const std::string& a, const std::string& b) const {
  return strcasecmp(a.c_str(), b.c_str()) < 0;
}

std::string Request::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string Request::query_value(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

bool Request::query_flag(const std::string& name) const {
  const std::string value = query_value(name);
  return same_name(value, "true") || value == "1";
}

std::string Request::path_from(std::size_t segment) const {
  std::string path;
  for (std::size_t i = segment; i < segments.size(); ++i) {
    path += (i == segment ? "" : "/") + segments[i];
  }
  return path;
}

std::string Answer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return "";
}

void Answer::set_header(const std::string& name, const std::string& value) {
  drop_header(name);
  headers.emplace_back(name, value);
}

void Answer::drop_header(std::string_view name) {
  std::erase_if(headers, [&](const auto& item) { return same_name(item.first, name); });
}

Answer json_answer(const nlohmann::json& json, int status) {
  // Names of files may be any bytes, JSON must be UTF-8.
  return text_answer(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), status,
                     "application/json; charset=utf-8");
}

Answer text_answer(std::string text, int status, const std::string& type) {
  Answer answer;
  answer.status = status;
  answer.headers = {{"Content-Type", type}};
  answer.body = text_content(std::move(text));
  return answer;
}

Answer error_answer(int status, const std::string& code, const std::string& message) {
  Answer answer = json_answer({{"error", message}}, status);
  if (!code.empty()) answer.set_header("X-Error-Code", code);
  std::string line = message;  // a header cannot hold more than one
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return std::iscntrl(c) != 0; }, ' ');
  answer.set_header("X-Error-Message", line);
  return answer;
}

Answer redirect_answer(int status, const std::string& location) {
  const char* phrase =
      status == 302 ? "Found. Redirecting to " : "Temporary Redirect. Redirecting to ";
  Answer answer = text_answer(phrase + location, status);
  answer.set_header("Location", location);
  return answer;
}

std::string percent_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 <= text.size() - 1 &&
                        std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
                        std::isxdigit(static_cast<unsigned char>(text[i + 2]));
    if (escape) {
      out += from_hex(text.substr(i + 1, 2));
      i += 2;
    } else {
      out += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  return encode(text, "-_.~");
}

std::string encode_path(std::string_view path) {
  return encode(path, "-_.~/");
}

std::multimap<std::string, std::string> parse_query(std::string_view text) {
  std::multimap<std::string, std::string> query;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    const std::string_view value = equals == std::string_view::npos ? "" : item.substr(equals + 1);
    if (!item.empty()) {
      query.emplace(percent_decode(item.substr(0, equals), true), percent_decode(value, true));
    }
  }
  return query;
}

std::vector<std::string> split_path(std::string_view raw_path) {
  if (raw_path.starts_with('/')) raw_path.remove_prefix(1);
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t slash = raw_path.find('/');
    parts.push_back(percent_decode(raw_path.substr(0, slash)));
    if (slash == std::string_view::npos) return parts;
    raw_path.remove_prefix(slash + 1);
  }
}

}  // namespace neffs::test
