// The one table from what went wrong to what the caller of a system call sees.
#pragma once

#include <exception>

#include "hub/hub_error.h"

namespace neffs::fs {

// The errno of whatever `error` holds; EIO for what has no better one. Never 0, never throws.
int errno_of(const std::exception_ptr& error) noexcept;
int errno_of(const hub::HubError& error) noexcept;

}  // namespace neffs::fs
