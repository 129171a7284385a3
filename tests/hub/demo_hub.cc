// neffs-demo-hub: the test Hub as a program, for the demo, for shell scripts and for trying by hand.
#include <pthread.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>

#include "tests/hub/sample_repo.h"
#include "tests/hub/test_hub.h"

namespace {

using neffs::test::Role;
using neffs::test::TestHub;
using neffs::test::TestHubOptions;

struct Options {
  TestHubOptions hub;
  bool sample = false;
  bool print_endpoint = false;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("--port", options.hub.port, "Port of the Hub (default: a free one)");
  app.add_option("--cdn-port", options.hub.cdn_port, "Port that sends large files");
  app.add_option("--root", options.hub.root, "Keep the repos here (default: nowhere)");
  app.add_flag("--sample", options.sample,
               "Offer a sample cache repo, and a private one that the token hf_demo may write");
  app.add_flag("--print-endpoint", options.print_endpoint, "Print the endpoint alone, not 'ready'");
}

// Repos that an earlier run left in --root stay as they are.
void add_samples(TestHub& hub) {
  if (hub.repos().find(neffs::test::sample::kRepo) == nullptr) neffs::test::sample::create(hub);
  const std::string team = "my-team/neuron-cache";
  if (hub.repos().find(team) == nullptr) {
    neffs::test::RepoSettings settings;
    settings.is_private = true;
    hub.create_repo(team, settings);
  }
  neffs::test::TestToken token;
  token.user = "demo";
  token.roles[team] = Role::kWrite;
  token.organizations = {"my-team"};
  hub.add_token("hf_demo", token);
}

int run(const Options& options) {
  // Blocked before any thread exists, so that only sigwait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  TestHub hub(options.hub);
  if (options.sample) add_samples(hub);
  std::cout << (options.print_endpoint ? "" : "ready endpoint=") << hub.endpoint() << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app("A Hugging Face Hub on loopback with sample repos");
    Options options;
    options.hub.control_over_http = true;
    add_options(app, options);
    CLI11_PARSE(app, argc, argv);
    return run(options);
  } catch (const std::exception& error) {
    std::cerr << "neffs-demo-hub: " << error.what() << '\n';
    return 1;
  }
}
