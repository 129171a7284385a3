#include "mount-helper/program.h"

int main(int argc, char** argv) {
  return neffs::mount_helper::run(argc, argv);
}
