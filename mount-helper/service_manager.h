// What systemd, or whoever else started the program as a service, wants to know and has to say.
#pragma once

#include <string>

#include "hub/environment.h"

namespace neffs::mount_helper {

// Sends `state`, lines of sd_notify(3) as "READY=1\nSTATUS=…", as one datagram to the socket that
// NOTIFY_SOCKET names: a path, or after an @ an abstract name. True if it was sent; false if there is
// no such variable, or, with a line in the log, no such socket. Never waits, never throws.
bool tell_service_manager(const hub::Environment& environment, const std::string& state) noexcept;

// The file of the credential `name` that the service was given (LoadCredential=); "" if it was given
// none of that name.
std::string credential_file(const hub::Environment& environment, const std::string& name);

}  // namespace neffs::mount_helper
