// What is made of the definitions of the commands besides their help: completions of shells, and the page of
// the manual.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace neffs::mount_helper {

// "bash", "zsh", "fish".
const std::vector<std::string>& completed_shells();

// shell: one of these
std::string completion_script(const CLI::App& app, const std::string& shell);

// neffs(1), for man(1).
std::string man_page(const CLI::App& app);

}  // namespace neffs::mount_helper
