// What torch.save wrote, and what it never would.

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"
#include "tests/weights/files.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;
using test::Pickle;
using test::values_of;
using Shape64 = std::vector<std::int64_t>;

std::string read_error(const std::filesystem::path& path) {
  return error_of([&] { (void)read_weights(path); });
}

void check_fixture(const std::string& name, const std::string& format) {
  const WeightsFile file = read_weights(test::weights_fixture(name));
  CHECK(file.format == format);
  const auto entry = [&](const std::string& tensor) -> const WeightsEntry& {
    const WeightsEntry* found = file.find("state_dict." + tensor);
    REQUIRE(found != nullptr);
    return *found;
  };
  std::vector<float> base(24);
  for (std::size_t i = 0; i < 24; ++i) base[i] = static_cast<float>(i) - 5;
  CHECK(entry("conv.weight").shape == Shape64{2, 3, 4});
  CHECK(entry("conv.weight").dtype == "F32");
  CHECK(values_of<float>(entry("conv.weight")) == base);
  CHECK(values_of<float>(entry("view")) == std::vector<float>(base.begin() + 12, base.end()));
  CHECK(entry("transposed").shape == Shape64{4, 3});
  CHECK(values_of<float>(entry("transposed")) == std::vector<float>{-5, -1, 3, -4, 0, 4, -3, 1, 5, -2, 2, 6});
  CHECK(values_of<float>(entry("step")) == std::vector<float>{-5, -3, -1, 1, 3, 5, 7, 9, 11, 13, 15, 17});
  CHECK(values_of<double>(entry("f64")) == std::vector<double>{1.5, -2.25});
  CHECK(entry("f16").dtype == "F16");
  CHECK(values_of<std::uint16_t>(entry("f16")) == std::vector<std::uint16_t>{0x3800, 0xFBFF, 0x0001});
  CHECK(entry("bf16").dtype == "BF16");
  CHECK(values_of<std::uint16_t>(entry("bf16")) == std::vector<std::uint16_t>{0x3F80, 0xC049});
  CHECK(entry("i64").shape == Shape64{});
  CHECK(values_of<std::int64_t>(entry("i64")) == std::vector<std::int64_t>{std::int64_t{1} << 40});
  CHECK(values_of<std::int32_t>(entry("i32")) == std::vector<std::int32_t>{-7});
  CHECK(values_of<std::uint8_t>(entry("u8")) == std::vector<std::uint8_t>{255});
  CHECK(values_of<std::uint8_t>(entry("bool")) == std::vector<std::uint8_t>{1, 0});
  CHECK(entry("empty").shape == Shape64{0, 3});
  CHECK(values_of<float>(*file.find("optimizer.state.0.momentum_buffer")) == std::vector<float>{1, 1});
  CHECK(file.entries.size() == 13);
  CHECK(file.metadata == std::map<std::string, std::string>{{"arch", "resnet50"}, {"best", "76.5"}, {"epoch", "90"}});
  REQUIRE(file.notes.size() == 1);
  CHECK(file.notes[0] == "passed over without a look inside: argparse.Namespace");
}

TEST_CASE("torch.save's zip archive is read") { check_fixture("zip.pth", "PyTorch (zip)"); }

TEST_CASE("torch.save's old format is read") { check_fixture("legacy.pth", "PyTorch (legacy)"); }

TEST_CASE("a pickle that would run something is refused by its name") {
  for (const auto& [name, culprit] :
       {std::pair("hostile_system.pth", "posix.system"), std::pair("hostile_nested.pth", "posix.system"),
        std::pair("hostile_eval.pth", "__builtin__.eval")}) {
    const auto path = test::weights_fixture(name);
    CHECK(read_error(path) == "2: " + path.string() + ": its pickle imports " + culprit +
                                  ": refused, and nothing was run; expected tensors, dicts, lists and numbers, as "
                                  "torch.save(model.state_dict(), ...) writes them");
  }
  CHECK_FALSE(std::filesystem::exists("/tmp/tandem-was-here"));
}

TEST_CASE("what a pickle may not do is refused with its name") {
  const test::TempDir folder;
  const auto error = [&](const Pickle& pickle) { return read_error(folder.write("a.pth", pickle.in_zip("abcdabcd"))); };
  const auto imports = [&](const std::string& module, const std::string& name) {
    return contains(error(Pickle().global(module, name)), ": its pickle imports " + module + "." + name + ": refused");
  };
  CHECK(imports("os", "system"));
  CHECK(imports("builtins", "eval"));
  CHECK(imports("builtins", "getattr"));
  CHECK(imports("torch", "load"));
  CHECK(imports("torchvision.models.resnet", "ResNet"));
  // A harmless class is passed over, whatever it is called with.
  CHECK(error(Pickle().raw("}").text("a").global("argparse", "Namespace").raw(")\x81}bs")).empty());
  // Names that are built at run time come to the same.
  CHECK(contains(error(Pickle().text("os").text("system").raw("\x93")), "imports os.system: refused"));
  CHECK(contains(error(Pickle().text("os").integer(3).raw("\x93")), "it imports an integer"));
  CHECK(contains(error(Pickle().text("os.system").raw(")R")), "it calls a string with a tuple"));
  CHECK(contains(error(Pickle().global("collections", "OrderedDict").raw("}R")), "with a dict"));
  CHECK(contains(error(Pickle().global("torch", "FloatStorage").raw(")R")), "uses torch.FloatStorage in a way"));
  CHECK(contains(error(Pickle().raw("\x82\x01")), "operation 0x82"));  // EXT1, copyreg's registry
  CHECK(contains(error(Pickle().raw("i")), "operation 0x69"));         // INST, of protocol 0
  CHECK(contains(error(Pickle().raw(")Q")), "uses a storage in a way"));
}

TEST_CASE("a pickle that contradicts itself is refused") {
  const test::TempDir folder;
  const auto error = [&](const Pickle& pickle) { return read_error(folder.write("a.pth", pickle.in_zip("abcdabcd"))); };
  CHECK(contains(error(Pickle()), "takes more values than it has"));
  CHECK(contains(error(Pickle().raw("t")), "takes a mark that it has not set"));
  CHECK(contains(error(Pickle().raw("(0")), "takes more values than it has"));
  CHECK(contains(error(Pickle().raw("h\x05")), "recalls value 5"));
  CHECK(contains(error(Pickle().raw("K\x01K\x02"
                                    "a")),
                 "appends to an integer"));
  CHECK(contains(error(Pickle().raw("}(K\x01u")), "a key without a value"));
  CHECK(contains(error(Pickle().raw("X\xff\xff\xff\x7f"
                                    "abc")),
                 "it ends in the middle"));
  CHECK(contains(error(Pickle().text("\xff\xfe")), "a string that is not UTF-8"));
  CHECK(contains(error(Pickle().raw("\x80\x09")), "protocol 9, expected 2 to 5"));
  CHECK(contains(error(Pickle().tensor(2, 0, {2}, {1})), "one tensor without a name"));
}

TEST_CASE("a tensor that reaches beyond its storage is refused") {
  const test::TempDir folder;
  const auto error = [&](std::int64_t offset, const Shape64& shape, const Shape64& stride) {
    const Pickle pickle = Pickle().raw("}").text("w").tensor(2, offset, shape, stride).raw("s");
    return read_error(folder.write("a.pth", pickle.in_zip("abcdabcd")));
  };
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  CHECK(error(0, {2}, {1}).empty());
  CHECK(error(1, {1}, {1}).empty());
  CHECK(error(0, {2, 2}, {0, 1}).empty());  // expanded
  CHECK(contains(error(0, {3}, {1}), "the tensor w is F32 (3), but its storage has 8 bytes"));
  CHECK(contains(error(1, {2}, {1}), "but its storage has 8 bytes"));
  CHECK(contains(error(-1, {1}, {1}), "but its storage has 8 bytes"));
  CHECK(contains(error(kHuge, {1}, {1}), "but its storage has 8 bytes"));
  CHECK(contains(error(0, {2}, {kHuge}), "but its storage has 8 bytes"));
  CHECK(contains(error(0, {kHuge, 4}, {0, 0}), "more than any memory"));
  CHECK(contains(error(0, {1 << 20, 1 << 20}, {0, 0}), "which repeats its elements: too large for the file"));
  CHECK(contains(error(0, {2}, {1, 1}), "uses torch._utils._rebuild_tensor_v2 in a way"));
  CHECK(contains(error(0, {-2}, {1}), "uses a shape in a way"));
}

TEST_CASE("a pickle that repeats itself is refused before it fills the memory") {
  const test::TempDir folder;
  // Thirty lists, each of which holds the one before it twice, lead to 2^30 tensors.
  Pickle doubled;
  doubled.raw("}").text("w").tensor(2, 0, {2}, {1}).raw("q\x01");
  for (int i = 0; i < 30; ++i)
    doubled.raw(
        "0](h\x01h\x01"
        "eq\x01");
  CHECK(contains(read_error(folder.write("a.pth", doubled.raw("s").in_zip("abcdabcd"))),
                 "repeats itself without an end"));
  // A list that holds itself.
  CHECK(contains(read_error(folder.write("a.pth", Pickle()
                                                      .raw("]q\x01h\x01"
                                                           "a")
                                                      .in_zip(""))),
                 "levels deep"));
  // A million lists within each other are read and freed without a crash.
  const Pickle deep = Pickle().raw(std::string(500000, ']') + std::string(499999, 'a'));
  CHECK(contains(read_error(folder.write("a.pth", deep.in_zip(""))), "levels deep"));
  CHECK(contains(read_error(folder.write("a.pth", Pickle().raw(std::string(3000000, ']')).in_zip(""))), "more than"));
}

TEST_CASE("a zip archive with 64-bit records is read") {
  const test::TempDir folder;
  const Pickle pickle = Pickle().raw("}").text("w").tensor(2, 0, {2}, {1}).raw("s.");
  const auto path = folder.write("a.pth", test::zip_of({{"x/data.pkl", pickle.bytes}, {"x/data/0", "abcdabcd"}}, true));
  CHECK(text_of(read_weights(path).find("w")->data) == "abcdabcd");
}

TEST_CASE("an archive that PyTorch did not write is refused") {
  const test::TempDir folder;
  const auto error = [&](const std::string& bytes) { return read_error(folder.write("a.pth", bytes)); };
  const std::string other = test::zip_of({{"model.txt", "hello"}});
  CHECK(contains(error(other), "a zip archive without data.pkl"));
  std::string packed = other;
  packed[packed.find("PK\x01\x02") + 10] = 8;  // deflated
  CHECK(contains(error(packed), "model.txt is compressed, expected an archive that torch.save wrote"));
  std::string secret = other;
  secret[secret.find("PK\x01\x02") + 8] = 1;
  CHECK(contains(error(secret), "model.txt is encrypted"));
  std::string long_entry = other;  // which would reach beyond the file
  const std::string longer = test::bytes<std::uint32_t>(5000);
  long_entry.replace(long_entry.find("PK\x01\x02") + 20, 8, longer + longer);
  CHECK(contains(error(long_entry), "a record lies beyond the end"));
  CHECK(contains(error(other.substr(0, other.size() - 5)), "no directory at its end"));
  CHECK(contains(error(test::zip_of({{"a", "x"}, {"a", "y"}})), "holds a twice"));
  CHECK(
      contains(error(test::zip_of({{"x/data.pkl", Pickle().raw("}.").bytes}, {"x/byteorder", "big"}})), "big-endian"));
  CHECK(contains(error(test::zip_of({{"x/data.pkl", Pickle().global("__torch__.resnet", "ResNet").bytes}})),
                 "a TorchScript program (__torch__.resnet.ResNet)"));
  CHECK(contains(
      error(test::zip_of({{"x/data.pkl", Pickle().raw("}").text("w").tensor(2, 0, {2}, {1}).raw("s.").bytes}})),
      "has no storage 0"));
}

}  // namespace
}  // namespace tandem
