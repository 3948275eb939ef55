#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "data/list/image_list.h"
#include "data/synth/dataset.h"
#include "data/synth/products.h"
#include "data/synth/scene.h"
#include "data/synth/sdf.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

using synth::Vec2;

TEST_CASE("signed distances are exact for the simple shapes") {
  namespace sdf = synth::sdf;
  CHECK(sdf::circle({3, 4}, {}, 2) == Approx(3));
  CHECK(sdf::box({5, 0}, {1, 0}, {2, 1}) == Approx(2));
  CHECK(sdf::box({1, 0.5F}, {1, 0}, {2, 1}) == Approx(-0.5));
  CHECK(sdf::box({4, 5}, {}, {1, 1}) == Approx(5));
  CHECK(sdf::capsule({0, 3}, {-1, 0}, {1, 0}, 1) == Approx(2));
  CHECK(sdf::polygon({2, 0.5F}, {{0, 0}, {1, 0}, {1, 1}, {0, 1}}) == Approx(1));
  CHECK(sdf::polygon({0.5F, 0.4F}, {{0, 0}, {0, 1}, {1, 1}, {1, 0}}) == Approx(-0.4));
  CHECK(sdf::ellipse({3, 0}, {}, {3, 1}) == Approx(0).margin(1e-6));
  CHECK(sdf::ellipse({}, {}, {3, 1}) == Approx(-1));
  CHECK(sdf::cut(sdf::circle({}, {}, 1), sdf::circle({}, {}, 0.5F)) == Approx(0.5));
  CHECK(sdf::outline(sdf::circle({}, {}, 1), 0.1F) == Approx(0.9));
}

TEST_CASE("a synthetic picture is a pure function of its random numbers") {
  for (const synth::Product& product : synth::products()) {
    const Random random(1, RandomPurpose::synthesise, 0, 0, 3);
    const Image first = synth::paint_scene(product, 48, random);
    CHECK(first.pixels == synth::paint_scene(product, 48, random).pixels);
    CHECK(first.pixels != synth::paint_scene(product, 48, Random(1, RandomPurpose::synthesise, 0, 0, 4)).pixels);
  }
}

TEST_CASE("products differ in silhouette") {
  std::vector<synth::Canvas> silhouettes;
  for (const synth::Product& product : synth::products()) {
    synth::Canvas canvas(32);
    Random random(1, RandomPurpose::test);
    const synth::Material white = synth::print({1, 1, 1});
    synth::Painter painter(canvas, {{16, 16}, 13}, {});
    product.paint(painter, {white, white, white}, random);
    silhouettes.push_back(canvas);
  }
  for (std::size_t a = 0; a < silhouettes.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) {
      int different = 0;
      for (std::size_t i = 0; i < silhouettes[a].pixels.size(); ++i) {
        // A part may be painted in a colour of its own: whatever is not black is the object.
        const bool in_a = silhouettes[a].pixels[i].r > 0;
        const bool in_b = silhouettes[b].pixels[i].r > 0;
        different += in_a != in_b ? 1 : 0;
      }
      INFO(synth::products()[a].name << " and " << synth::products()[b].name);
      CHECK(different > 60);
    }
}

TEST_CASE("skipping far tiles paints what painting every pixel would") {
  const auto shape = [](Vec2 p) { return synth::sdf::ellipse(p, {0.2F, 0.1F}, {0.7F, 0.25F}); };
  const synth::Pose pose{{30, 21}, 25, 0.7F, true};
  synth::Canvas canvas(50);
  synth::Painter(canvas, pose, {}).fill(synth::print({1, 1, 1}), shape);
  for (int y = 0; y < 50; ++y)
    for (int x = 0; x < 50; ++x) {
      const Vec2 pixel{static_cast<float>(x) + 0.5F, static_cast<float>(y) + 0.5F};
      const float coverage = std::clamp(0.5F - shape(pose.to_object(pixel)) * pose.scale, 0.0F, 1.0F);
      REQUIRE(canvas.at(x, y).r == Approx(coverage).margin(1e-6));
    }
}

TEST_CASE("a synthetic data set loads as lists and as folders") {
  const test::TempDir dir;
  synth::write_dataset({dir / "set", 12, 3, 2, 24, 5});
  const ImageList train = ImageList::load(dir / "set/train.txt");
  const ImageList tree = ImageList::load(dir / "set/train");
  const ImageList test = ImageList::load(dir / "set/test.txt", {}, 12);
  CHECK(train.size() == 36);
  CHECK(test.size() == 24);
  REQUIRE(train.classes().size() == 12);
  CHECK(train.classes() == tree.classes());
  CHECK(train.classes().front() == "bag");
  std::set<std::string> different;
  for (std::size_t i = 0; i < train.size(); ++i) {
    CHECK(train.label(i) == static_cast<std::int32_t>(i / 3));
    CHECK(tree.label(i) == train.label(i));
    const Image image = read_image(train.sample(i).path);
    CHECK((image.height == 24 && image.width == 24));
    different.emplace(image.pixels.begin(), image.pixels.end());
  }
  for (std::size_t i = 0; i < test.size(); ++i) {
    const Image image = read_image(test.sample(i).path);
    different.emplace(image.pixels.begin(), image.pixels.end());
  }
  CHECK(different.size() == 60);
}

TEST_CASE("a synthetic data set depends on its seed alone") {
  const test::TempDir dir;
  synth::write_dataset({dir / "a", 2, 3, 1, 16, 5});
  synth::write_dataset({dir / "b", 4, 2, 1, 16, 5});
  synth::write_dataset({dir / "c", 2, 2, 1, 16, 6});
  const auto pixels = [&](const std::string& name) { return read_image(dir / name).pixels; };
  CHECK(pixels("a/train/ball/0002.png") == pixels("b/train/ball/0002.png"));
  CHECK(pixels("a/train/ball/0002.png") != pixels("c/train/ball/0002.png"));
  CHECK(pixels("a/train/bag/0001.png") != pixels("a/test/bag/0001.png"));
}

TEST_CASE("options of a synthetic data set out of range are refused") {
  const test::TempDir dir;
  const auto error_of = [&](synth::DatasetOptions options) {
    options.out = dir / "set";
    return test::message_of<InputError>([&] { synth::write_dataset(options); });
  };
  CHECK(error_of({{}, 13, 1, 1, 16, 1}) == "--classes 13: expected 2 to 12");
  CHECK(error_of({{}, 1, 1, 1, 16, 1}) == "--classes 1: expected 2 to 12");
  CHECK(test::contains(error_of({{}, 2, 0, 1, 16, 1}), "--train 0: expected 1 to"));
  CHECK(test::contains(error_of({{}, 2, 1, -1, 16, 1}), "--test -1: expected 1 to"));
  CHECK(test::contains(error_of({{}, 2, 1, 1, 4, 1}), "--size 4: expected 8 to"));
  CHECK_FALSE(std::filesystem::exists(dir / "set"));
  dir.write("set", "a file where the folder should be");
  CHECK(test::contains(error_of({{}, 2, 1, 1, 16, 1}), "cannot make the folder"));
}

}  // namespace
}  // namespace tandem
