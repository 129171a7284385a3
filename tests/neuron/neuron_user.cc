// Does to a cache directory what libneuronxla and neuron_parallel_compile do, and says what it got:
// the same words must give the same text and exit code on a mount as on a plain directory.
//
//   neuron_user CACHE WORK VERB [umask=0777] [uid=N] [name=value…]
//
//   compile         one graph: a hit, or a miss and what follows
//   compile-beside  the same by renaming a whole directory into place
//   workers         many that want the same graph at once
//   collect         inputs only
//   scan            what a full walk of the cache finds
//   compile-all     several workers that walk it and compile what is to be done
// compile.cc and workers.cc have the names and values.
#include <sys/stat.h>

#include <functional>
#include <iostream>
#include <map>

#include "tests/neuron/parallel_compile.h"
#include "tests/neuron/workers.h"

namespace neffs::test {
namespace {

int tell(const Outcome& outcome, const Transcript& transcript) {
  transcript.say("outcome: " + outcome.word + ' ' + outcome.digest);
  return outcome.exit_code();
}

int compile_one(const Job& job, Words& words, const Transcript& transcript) {
  words.expect_all_known();
  return tell(Compile(job, transcript).run(), transcript);
}

int compile_beside(const Job& job, Words& words, const Transcript& transcript) {
  words.expect_all_known();
  return tell(Compile(job, transcript).run_beside(), transcript);
}

int scan_all(const Job& job, Words& words, const Transcript& transcript) {
  words.expect_all_known();
  say(scan(job.cache), transcript);
  return 0;
}

int use_cache(const std::vector<std::string>& arguments) {
  using Verb = std::function<int(const Job&, Words&, const Transcript&)>;
  const std::map<std::string, Verb> verbs = {
      {"compile", compile_one}, {"compile-beside", compile_beside},
      {"workers", run_workers}, {"collect", collect},
      {"scan", scan_all},       {"compile-all", compile_all}};
  const Verb& verb = verbs.at(arguments.at(2));
  Words words({arguments.begin() + 3, arguments.end()});
  ::umask(static_cast<mode_t>(words.number("umask", 0, 8)));
  const Job job = job_of(arguments.at(0), arguments.at(1), words);
  const int user = words.number("uid", -1);
  if (user >= 0) become(static_cast<uid_t>(user));
  return verb(job, words, Transcript());
}

}  // namespace
}  // namespace neffs::test

int main(int argc, char** argv) {
  try {
    return neffs::test::use_cache({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "neuron_user: " << error.what() << '\n';
    return 2;
  }
}
