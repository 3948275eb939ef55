#include "bench/compare.h"

#include "core/base/error.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

/// Prints the lines of `says` one call after the other, as the last line of its output.
Contestant speaker(const test::TempDir& folder, const std::string& name, const std::vector<std::string>& says) {
  std::string script =
      "n=$(cat " + name + ".n 2>/dev/null || echo 0); echo $((n + 1)) > " + name + ".n; echo noise; case $n in ";
  for (std::size_t i = 0; i < says.size(); ++i) script += std::to_string(i) + ") echo '" + says[i] + "';; ";
  return {name, {"/bin/sh", "-c", "cd " + folder.path().string() + "; " + script + "esac"}};
}

std::string error_of(const std::vector<Contestant>& contestants) {
  try {
    compare(contestants, 1);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("compare takes medians of rounds in turns, and ratios to the first") {
  const test::TempDir folder;
  const auto standings = compare(
      {speaker(folder, "ours",
               {R"({"images_per_s": 30, "peak_mib": 5})", R"({"images_per_s": 10.5, "peak_mib": 7})",
                R"({"images_per_s": 20})"}),
       speaker(folder, "theirs", {R"({"images_per_s": 8})", R"({"images_per_s": 9})", R"({"images_per_s": 10})"})},
      3);
  REQUIRE(standings.size() == 2);
  CHECK(standings[0].images_per_s == std::vector<double>{30, 10.5, 20});
  CHECK(standings[0].median == 20);
  CHECK(standings[0].peak_mib == 7);
  CHECK(standings[0].ratio == 1);
  CHECK(standings[1].median == 9);
  CHECK(standings[1].ratio == Approx(20.0 / 9));
  const std::string text = to_text(standings);
  CHECK(text.find("ours                             20.00         7    1.00   10.50   30.00\n") != std::string::npos);
  CHECK(text.find("theirs                            9.00         -    2.22    8.00   10.00\n") != std::string::npos);
}

TEST_CASE("compare passes arguments on as they are") {
  const std::string odd = R"(a 'b' "c" $d \ `e`)";
  const auto standings =
      compare({{"echo", {"/bin/sh", "-c", R"([ "$1" = "$2" ] && echo '{"images_per_s": 1}')", "sh", odd, odd}}}, 1);
  CHECK(standings[0].median == 1);
}

TEST_CASE("compare says which program failed, and what it printed") {
  CHECK(error_of({{"bad", {"/bin/sh", "-c", "exit 3"}}}).starts_with("bad ended with exit status 3: "));
  CHECK(error_of({{"mute", {"/bin/true"}}}) == "mute printed \"\", expected a JSON object with images_per_s");
  CHECK(error_of({{"odd", {"/bin/echo", R"({"images_per_s": "fast"})"}}}) ==
        R"(odd printed "{"images_per_s": "fast"}", expected a JSON object with images_per_s)");
  CHECK(error_of({{"none", {"/no/such/program"}}}).starts_with("none ended with exit status 127: "));
}

}  // namespace tandem
