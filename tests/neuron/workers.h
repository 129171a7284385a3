// Many workers that want the same graph at the same moment.
#pragma once

#include <sys/types.h>

#include "tests/neuron/compile.h"

namespace neffs::test {

// Throws std::system_error if it cannot.
void become(uid_t user);

//   as=processes   count= of them, as torchrun starts them; all have missed before one compiles
//   as=threads     the same in one process, as NxD does
//   as=pool        four processes share count= tasks for four graphs, as transformers-neuronx does
//   uids=A,B       whom the processes are, in turn
// Says how many there were of each outcome. 0 if nothing went wrong.
int run_workers(const Job& job, Words& words, const Transcript& transcript);

}  // namespace neffs::test
