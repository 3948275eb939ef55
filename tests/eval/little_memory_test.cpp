// tandem-predict where there is little memory.

#include <sys/wait.h>

#include <cstdlib>

#include "tests/support/sanitizer.h"
#include "tests/support/tiny_run.h"

namespace tandem {
namespace {

// Hidden: how much the libraries take, and how they fail, is not ours. scripts/evidence/little-memory.sh runs it.
TEST_CASE("with little memory an image is labelled, or one line says why not", "[.little-memory]") {
  if (test::kAddressSanitizer) TANDEM_SKIP("AddressSanitizer maps more than any limit");
  const test::TinyRun run;
  run.must_train({"data.eval=null", "train.epochs=1"});
  int labelled = 0;
  for (int mib = 150; mib <= 900; mib += 50) {
    const std::string error = run.path("error");
    const std::string command = "ulimit -c 0; ulimit -v " + std::to_string(mib * 1024) + "; OMP_NUM_THREADS=1 exec " +
                                TANDEM_BIN "/tandem-predict --workers 1 '" + run.last() + "' '" +
                                run.path("set/test/bag/0001.png") + "' >/dev/null 2>'" + error + "'";
    const int status = std::system(command.c_str());
    INFO(mib << " MiB: " << test::read_file(error));
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) < 128);  // else a signal, as the shell reports it
    if (WEXITSTATUS(status) == 0)
      ++labelled;
    else
      CHECK(test::count_lines(test::read_file(error)) == 1);
  }
  CHECK(labelled > 0);
}

}  // namespace
}  // namespace tandem
