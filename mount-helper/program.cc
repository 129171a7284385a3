#include "mount-helper/program.h"

#include <fmt/format.h>

#include <exception>
#include <string>
#include <vector>

#include "mount-helper/cli.h"
#include "mount-helper/command_error.h"
#include "mount-helper/commands/version.h"
#include "mount-helper/output.h"

namespace neffs::mount_helper {
namespace {

int execute(const MountRequest& request) {
  return mount_command(request);
}
int execute(const UmountRequest& request) {
  return umount_command(request);
}
int execute(const StatusRequest& request) {
  return status_command(request);
}
int execute(const ExplainRequest& request) {
  return explain_command(request);
}
int execute(const RestoreRequest& request) {
  return restore_command(request);
}
int execute(const DoctorRequest& request) {
  return doctor_command(request);
}
int execute(const FlushRequest& request) {
  return flush_command(request);
}
int execute(const RetractRequest& request) {
  return retract_command(request);
}
int execute(const CreateRequest& request) {
  return create_command(request);
}
int execute(const SetRequest& request) {
  return set_command(request);
}
int execute(const LookupRequest& request) {
  return lookup_command(request);
}
int execute(const ListRequest& request) {
  return list_command(request);
}
int execute(const SynchronizeRequest& request) {
  return synchronize_command(request);
}
int execute(const RunRequest& request) {
  return run_command(request);
}
int execute(const EvictRequest& request) {
  return evict_command(request);
}
int execute(const VerifyRequest& request) {
  return verify_command(request);
}
int execute(const WarmRequest& request) {
  return warm_command(request);
}
int execute(const AddRequest& request) {
  return add_command(request);
}
int execute(const VersionRequest&) {
  return version_command();
}
int execute(const Printed& printed) {
  fmt::print("{}", printed.text);
  return kSuccess;
}

}  // namespace

int run(int argc, char** argv) noexcept {
  try {
    const std::string program = argc > 0 ? argv[0] : "neffs";
    const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
    return std::visit([](const auto& request) { return execute(request); },
                      parse_command_line(program, words));
  } catch (const CommandError& error) {
    complain(error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    complain(error.what());
    return kFailure;
  }
}

}  // namespace neffs::mount_helper
