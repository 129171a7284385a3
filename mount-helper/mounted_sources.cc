#include "mount-helper/mounted_sources.h"

#include <exception>
#include <future>

#include <spdlog/spdlog.h>

#include "hub/hub_error.h"

namespace neffs::mount_helper {
namespace {

constexpr std::size_t kAskers = 8;

}  // namespace

MountedSources::Mounted::Mounted(const Source& source, const hub::HubClient& hub,
                                 index::Index& index, std::chrono::milliseconds patience)
    : is_named(source.is_named),
      repo(hub, source.repo, source.revision, patience),
      askers(std::make_unique<fs::WorkerPool>("neffs-ask", kAskers)),
      view({hub.endpoint(), source.repo, source.revision}, repo, index, *askers) {}

MountedSources::MountedSources(const std::vector<Source>& names, const hub::HubClient& hub,
                               index::Index& index, std::chrono::milliseconds patience)
    : mounted_([&] {
        std::vector<std::unique_ptr<Mounted>> mounted;
        mounted.reserve(names.size());
        for (const auto& name : names)
          mounted.push_back(std::make_unique<Mounted>(name, hub, index, patience));
        return mounted;
      }()),
      all_(views()) {}

MountedSources::~MountedSources() {
  end();
}

std::vector<fs::RemoteView*> MountedSources::views() const {
  std::vector<fs::RemoteView*> views;
  views.reserve(mounted_.size());
  for (const auto& one : mounted_) views.push_back(&one->view);
  return views;
}

void MountedSources::connect() {
  std::vector<std::future<void>> heads;
  heads.reserve(mounted_.size());
  for (const auto& one : mounted_)
    heads.push_back(std::async(std::launch::async, [&view = one->view] {
      view.connect();
      // The first look-up below the root needs the root's names: they come while the mount is made.
      view.ask_children("", false, [](const std::exception_ptr&) {});
    }));
  for (std::size_t which = 0; which < heads.size(); ++which) {
    try {
      heads[which].get();
    } catch (const hub::HubError& error) {
      if (mounted_[which]->is_named) throw;
      spdlog::warn("mounted without {}: {}", view(which).name().repo, error.what());
    }
  }
}

void MountedSources::stop() {
  for (const auto& one : mounted_) one->askers->stop();
}

void MountedSources::end() {
  for (const auto& one : mounted_) one->askers.reset();
}

}  // namespace neffs::mount_helper
