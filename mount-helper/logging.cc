#include "mount-helper/logging.h"

#include <memory>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>
#include <unistd.h>

namespace neffs::mount_helper {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kDebug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

}  // namespace

void start_logging(LogLevel level, bool is_foreground, const JournalFields& fields) {
  spdlog::sink_ptr sink;
  if (!is_foreground || is_journal(STDERR_FILENO, hub::Environment::of_process()))
    sink = journal_sink(fields);
  if (sink) {
    // It has what it needs.
  } else if (is_foreground) {
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    sink->set_pattern("neffs: %l: %v");
  } else {
    sink = std::make_shared<spdlog::sinks::syslog_sink_mt>("neffs", LOG_PID, LOG_DAEMON, false);
  }
  auto logger = std::make_shared<spdlog::logger>("neffs", std::move(sink));
  logger->set_level(level_of(level));
  spdlog::set_default_logger(std::move(logger));
}

void set_log_level(LogLevel level) {
  spdlog::default_logger_raw()->set_level(level_of(level));
}

}  // namespace neffs::mount_helper
