// The program `clasp`: asks the configuration what is wanted and does it.
#include "daemon/startup.h"

int main(int argc, char** argv) {
  return clasp::daemon::start(argc, argv);
}
