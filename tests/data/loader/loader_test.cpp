#include "data/loader/loader.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "data/list/image_list.h"
#include "data/loader/pair_stream.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

constexpr int kImages = 11;
constexpr PairOptions kPairs{.batch = 4};

/// A list of eleven images; image i has the label i.
class Fixture {
 public:
  Fixture() : list(make(dir)) {}
  PairLoader pairs(unsigned workers, std::int64_t first = 0, std::int64_t last = 20) const {
    return PairLoader(list, {kPairs, 16, {{{0.3, 1.0}}, true}, 7, workers, first, last});
  }
  void spoil(std::size_t image) const { dir.write(std::to_string(image) + ".png", "no image"); }

  test::TempDir dir;
  ImageList list;

 private:
  static ImageList make(const test::TempDir& dir) {
    std::string text;
    for (int i = 0; i < kImages; ++i) {
      const std::string name = std::to_string(i) + ".png";
      write_png(test::noise(20 + i, 30 - i, static_cast<std::uint32_t>(i)), dir / name);
      text += name + " " + std::to_string(i) + "\n";
    }
    return ImageList::load(dir.write("list.txt", text));
  }
};

bool same(const Batch& a, const Batch& b) {
  return a.step == b.step && a.images == b.images && a.size == b.size && a.pixels == b.pixels && a.labels == b.labels;
}

TEST_CASE("a batch holds the images of stream A and then those of stream B") {
  const Fixture f;
  PairLoader loader = f.pairs(2, 0, 6);
  PairStream stream(f.list.labels(), kPairs, 7);
  for (std::int64_t step = 0; step < 6; ++step) {
    const Batch batch = loader.next();
    CHECK(batch.step == step);
    CHECK(batch.images == 8);
    CHECK(batch.size == 16);
    REQUIRE(batch.pixels.size() == 8 * 16 * 16 * 3);
    REQUIRE(batch.labels.size() == 8);
    for (std::int64_t i = 0; i < 4; ++i) {
      CHECK(batch.labels[static_cast<std::size_t>(i)] == static_cast<std::int32_t>(stream.image(0, step * 4 + i)));
      CHECK(batch.labels[static_cast<std::size_t>(4 + i)] == static_cast<std::int32_t>(stream.image(1, step * 4 + i)));
    }
    // The pixels are those of the image that the label names.
    const Image image = read_image(f.list.sample(static_cast<std::size_t>(batch.labels[5])).path);
    std::vector<std::uint8_t> expected(16 * 16 * 3);
    train_transform(image, 16, {{{0.3, 1.0}}, true}, stream.augmentation(1, step * 4 + 1), expected);
    CHECK(std::equal(expected.begin(), expected.end(), batch.pixels.begin() + 5 * 16 * 16 * 3));
  }
  CHECK_THROWS_AS(loader.next(), Error);
}

TEST_CASE("JPEG images are decoded fast where that is asked for, with the crops of slow decoding") {
  const test::TempDir dir;
  for (const char* name : {"0.jpg", "1.jpg"}) write_jpeg(test::smooth(300, 400), 90, dir / name);
  const ImageList list = ImageList::load(dir.write("list.txt", "0.jpg 0\n1.jpg 1\n"));
  const AugmentOptions augment;
  PairLoaderOptions options{{.batch = 2}, 16, augment, 7, 0, 0, 3};
  const std::vector<std::uint8_t> content = read_image_file(dir / "0.jpg", "x");
  const EncodedImage image(content, "x");
  PairStream stream(list.labels(), options.pairs, options.seed);
  for (const bool fast : {false, true}) {
    options.fast_decode = fast;
    PairLoader loader(list, options);
    for (std::int64_t step = 0; step < 3; ++step) {
      const Batch batch = loader.next();
      std::vector<std::uint8_t> expected(16 * 16 * 3), other(expected.size());
      train_transform(image, 16, augment, fast, stream.augmentation(1, step * 2 + 1), expected);
      train_transform(image, 16, augment, !fast, stream.augmentation(1, step * 2 + 1), other);
      CHECK(std::equal(expected.begin(), expected.end(), batch.pixels.begin() + 3 * 16 * 16 * 3));
      CHECK(expected != other);
    }
  }
}

TEST_CASE("batches do not depend on the number of workers or on where a run was resumed") {
  const Fixture f;
  std::vector<Batch> batches;
  PairLoader reference = f.pairs(0);
  for (int step = 0; step < 20; ++step) batches.push_back(reference.next());
  CHECK_FALSE(batches[0].pixels == batches[1].pixels);
  for (const unsigned workers : {1U, 3U})
    for (const std::int64_t first : {0, 1, 13}) {
      PairLoader loader = f.pairs(workers, first);
      for (std::int64_t step = first; step < 20; ++step) {
        Batch batch = loader.next();
        INFO(workers << " workers, from step " << first << ", step " << step);
        REQUIRE(same(batch, batches[static_cast<std::size_t>(step)]));
        loader.recycle(std::move(batch));
      }
    }
}

TEST_CASE("the batches of a step that accumulates are those of a larger batch, one after the other") {
  const Fixture f;
  const auto loader = [&](int batch, int accumulate, std::int64_t first) {
    return PairLoader(f.list, {PairOptions{.batch = batch, .accumulate = accumulate}, 16, {}, 7, 2, first, 6});
  };
  for (const std::int64_t first : {0, 2}) {
    PairLoader whole = loader(6, 1, first), parted = loader(2, 3, first);
    for (std::int64_t step = first; step < 6; ++step) {
      const Batch large = whole.next();
      for (std::size_t part = 0; part < 3; ++part) {
        const Batch small = parted.next();
        CHECK(small.step == step);
        REQUIRE(small.labels.size() == 4);
        for (std::size_t i = 0; i < 4; ++i) {
          const std::size_t same = i / 2 * 6 + part * 2 + i % 2;  // of stream A, then of stream B
          constexpr std::ptrdiff_t kPixels = 16 * 16 * 3;
          const auto pixels = small.pixels.begin() + static_cast<std::ptrdiff_t>(i) * kPixels;
          CHECK(small.labels[i] == large.labels[same]);
          CHECK(
              std::equal(pixels, pixels + kPixels, large.pixels.begin() + static_cast<std::ptrdiff_t>(same) * kPixels));
        }
      }
    }
    CHECK_THROWS_AS(parted.next(), Error);
  }
  const PairStream stream(f.list.labels(), {.batch = 2, .accumulate = 3}, 7);
  CHECK(stream.steps_before_epoch_end(0) == 2);  // 11 images, 6 a step
  CHECK(stream.epoch_of_step(2) == 1);
}

TEST_CASE("mixed batches have the labels of both images, also after a restart, and as the batches are without") {
  const Fixture f;
  const auto loader_of = [&](const AugmentOptions& augment, std::int64_t first) {
    return PairLoader(f.list, {{.batch = 2, .accumulate = 2}, 16, augment, 7, 2, first, 20});
  };
  AugmentOptions plain, mixing;
  mixing.mixup = {.p = 0.5};
  mixing.cutmix = {.p = 0.3};
  PairLoader unmixed = loader_of(plain, 0), mixed = loader_of(mixing, 0), resumed = loader_of(mixing, 5);
  int untouched = 0;
  for (int number = 0; number < 40; ++number) {
    const Batch before = unmixed.next();
    Batch batch = mixed.next();
    CHECK(batch.labels == before.labels);
    CHECK(before.other_labels.empty());
    REQUIRE(batch.other_labels.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) CHECK(batch.other_labels[i] == batch.labels[i ^ 1]);  // of two, the other one
    CHECK((batch.pixels == before.pixels) == (batch.own_share == 1));
    untouched += batch.own_share == 1;
    if (number >= 10) {
      const Batch again = resumed.next();
      CHECK((same(again, batch) && again.other_labels == batch.other_labels && again.own_share == batch.own_share));
    }
    mixed.recycle(std::move(batch));
  }
  CHECK((untouched > 0 && untouched < 20));  // a fifth, and rectangles of no area
}

TEST_CASE("recycled batches of any content do not show through") {
  const Fixture f;
  PairLoader loader = f.pairs(0);
  PairLoader reference = f.pairs(0);
  for (int step = 0; step < 8; ++step) {
    Batch batch = loader.next();
    REQUIRE(same(batch, reference.next()));
    std::fill(batch.pixels.begin(), batch.pixels.end(), std::uint8_t{255});
    batch.labels.assign(3, -1);
    loader.recycle(std::move(batch));
    loader.recycle(Batch{});
  }
}

TEST_CASE("the evaluation loader shows every image once in order") {
  const Fixture f;
  for (const unsigned workers : {0U, 1U, 3U}) {
    EvalLoader loader(f.list, {4, 16, workers});
    std::size_t shown = 0;
    std::int64_t number = 0;
    while (std::optional<Batch> batch = loader.next()) {
      CHECK(batch->step == number++);
      CHECK(batch->images == (shown < 8 ? 4 : 3));
      REQUIRE(batch->labels.size() == static_cast<std::size_t>(batch->images));
      for (std::size_t i = 0; i < batch->labels.size(); ++i, ++shown) {
        CHECK(batch->labels[i] == static_cast<std::int32_t>(shown));
        std::vector<std::uint8_t> expected(16 * 16 * 3);
        eval_transform(read_image(f.list.sample(shown).path), 16, expected);
        CHECK(std::equal(expected.begin(), expected.end(),
                         batch->pixels.begin() + static_cast<std::ptrdiff_t>(i * expected.size())));
      }
      loader.recycle(std::move(*batch));
    }
    CHECK(shown == kImages);
    CHECK_FALSE(loader.next().has_value());
  }
}

TEST_CASE("a bad image is reported by the batch that needs it and the lowest position wins") {
  const Fixture f;
  f.spoil(5);
  f.spoil(6);
  f.spoil(10);
  for (const unsigned workers : {0U, 1U, 3U}) {
    EvalLoader loader(f.list, {4, 16, workers});
    CHECK(loader.next()->images == 4);
    CHECK(test::contains(test::message_of<InputError>([&] { loader.next(); }),
                         "list.txt:6: " + (f.dir / "5.png").string() + ": not an image"));
    CHECK(test::contains(test::message_of<InputError>([&] { loader.next(); }), "list.txt:11: "));
    CHECK_FALSE(loader.next().has_value());
  }
}

TEST_CASE("the file loader goes on past bad images and says why they are") {
  const Fixture f;
  f.spoil(5);
  f.spoil(10);
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < f.list.size(); ++i) paths.push_back(f.list.sample(i).path);
  for (const unsigned workers : {0U, 1U, 3U}) {
    FileLoader loader(paths, {4, 16, workers});
    std::size_t shown = 0;
    while (std::optional<Batch> batch = loader.next()) {
      REQUIRE(batch->labels == std::vector<std::int32_t>(static_cast<std::size_t>(batch->images)));
      for (int i = 0; i < batch->images; ++i, ++shown) {
        INFO(workers << " workers, image " << shown);
        const bool bad = shown == 5 || shown == 10;
        CHECK(loader.error(shown).empty() != bad);
        if (bad) CHECK(test::contains(loader.error(shown), paths[shown] + ": not an image"));
        std::vector<std::uint8_t> expected(16 * 16 * 3);
        if (!bad) eval_transform(read_image(paths[shown]), 16, expected);
        CHECK(std::equal(expected.begin(), expected.end(), batch->pixels.begin() + i * 16 * 16 * 3));
      }
      // Whatever a recycled batch holds.
      std::fill(batch->pixels.begin(), batch->pixels.end(), std::uint8_t{255});
      batch->labels.assign(3, -1);
      loader.recycle(std::move(*batch));
    }
    CHECK(shown == kImages);
  }
}

TEST_CASE("the pair loader reports the same bad image with any number of workers") {
  const Fixture f;
  f.spoil(3);
  f.spoil(8);
  std::vector<std::string> reports;
  for (const unsigned workers : {0U, 1U, 3U}) {
    PairLoader loader = f.pairs(workers);
    std::string report;
    for (int step = 0; step < 20; ++step) {
      const std::string message = test::message_of<InputError>([&] { loader.next(); });
      report += std::to_string(step) + message + "\n";
    }
    reports.push_back(report);
  }
  CHECK(test::contains(reports[0], "3.png: not an image"));
  CHECK(reports[0] == reports[1]);
  CHECK(reports[0] == reports[2]);
}

TEST_CASE("a loader may be destroyed at any time") {
  const Fixture f;
  for (int taken = 0; taken < 8; ++taken) {
    PairLoader loader = f.pairs(2);
    for (int step = 0; step < taken; ++step) loader.next();
    EvalLoader unused(f.list, {3, 16, 2});
  }
  SUCCEED("neither hung nor crashed");
}

TEST_CASE("a loader without pairs or pixels is an error") {
  const Fixture f;
  CHECK_THROWS_AS(PairLoader(f.list, {{.batch = 0}, 16, {}, 1, 0, 0, 1}), Error);
  CHECK_THROWS_AS(PairLoader(f.list, {{.batch = 1}, 0, {}, 1, 0, 0, 1}), Error);
  CHECK_THROWS_AS(EvalLoader(f.list, {0, 16, 0}), Error);
  CHECK_THROWS_AS(FileLoader({}, {1, 0, 0}), Error);
}

}  // namespace
}  // namespace tandem
