#include "tools/preview/preview.h"

#include <set>

#include "data/image/transform.h"
#include "data/loader/loader.h"
#include "tests/support/tiny_run.h"
#include "train/loop/session.h"

namespace tandem::tools {
namespace {

using test::count_lines;
using test::has_part;

Config config_of(const test::TinyRun& run, const std::vector<std::string>& overrides) {
  return read_config(run.path("config.json"), overrides);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST_CASE("a preview has the batches of the run, with their labels") {
  const test::TinyRun run;
  const Config config = config_of(run, {"pairs.batch=2", "pairs.accumulate=2", "data.augment.grayscale=0.5",
                                        "data.augment.gaussian_blur={\"kernel_size\":5}"});
  const std::unique_ptr<const ImageSource> source = open_training_list(config);
  const ImageSource& list = *source;
  const auto batches = draw_preview(config, list, 3);
  REQUIRE(batches.size() == 3);
  CHECK((batches[0].step == 1 && batches[1].step == 1 && batches[2].step == 2));
  PairLoaderOptions options = make_loader_options(config);
  options.last_step = 2;
  PairLoader loader(list, options);
  std::set<bool> same, varied;
  for (const PreviewBatch& preview : batches) {
    const Batch batch = loader.next();
    REQUIRE(preview.pairs.size() == 2);
    std::vector<std::uint8_t> pixels;
    for (std::size_t i = 0; i < 4; ++i) {
      const PreviewPair& pair = preview.pairs[i % 2];
      const PreviewImage& image = i < 2 ? pair.a : pair.b;
      pixels.insert(pixels.end(), image.pixels.pixels.begin(), image.pixels.pixels.end());
      CHECK(image.label == list.classes()[static_cast<std::size_t>(batch.labels[i])]);
      CHECK(has_part(image.path, "/" + image.label + "/"));  // the synthetic set has a folder a class
      CHECK(pair.same == (pair.a.label == pair.b.label));
      same.insert(pair.same);
      varied.insert(has_part(image.applied, "grey"));
    }
    CHECK(pixels == batch.pixels);
  }
  CHECK((same.size() == 2 && varied.size() == 2));
}

TEST_CASE("a preview names what was done to an image") {
  const test::TinyRun run;
  const Config config = config_of(run, {"data.augment.grayscale=0.5", "data.augment.random_resized_crop=null",
                                        "data.augment.random_erasing={\"p\":0.5}"});
  const Config plain = config_of(run, {"data.augment.flip=false", "data.augment.random_resized_crop=null"});
  const std::unique_ptr<const ImageSource> source = open_training_list(config);
  const ImageSource& list = *source;
  const auto varied = draw_preview(config, list, 2), as_they_are = draw_preview(plain, list, 2);
  int flips = 0;
  for (std::size_t b = 0; b < 2; ++b)
    for (std::size_t i = 0; i < varied[b].pairs.size(); ++i) {
      const PreviewImage &image = varied[b].pairs[i].a, &whole = as_they_are[b].pairs[i].a;
      INFO(image.applied);
      CHECK((image.pixels.pixels == whole.pixels.pixels) == image.applied.empty());
      CHECK(whole.applied.empty());
      flips += has_part(image.applied, "mirrored");
      bool grey = true;
      for (std::size_t k = 0; k < image.pixels.pixels.size(); k += 3)
        grey = grey && image.pixels.pixels[k] == image.pixels.pixels[k + 1];
      CHECK(grey == has_part(image.applied, "grey"));
    }
  CHECK((flips > 0 && flips < 10));
}

TEST_CASE("images that the network takes as BGR are shown in their own colours") {
  const test::TinyRun run;
  const Config rgb = config_of(run, {}), bgr = config_of(run, {"model.input.channels=BGR"});
  const std::unique_ptr<const ImageSource> source = open_training_list(rgb);
  const ImageSource& list = *source;
  CHECK(draw_preview(rgb, list, 1)[0].pairs[0].b.pixels.pixels ==
        draw_preview(bgr, list, 1)[0].pairs[0].b.pixels.pixels);
}

TEST_CASE("the page of a preview needs no other file, and its names are escaped") {
  const test::TinyRun run;
  const Config config = config_of(run, {});
  const std::unique_ptr<const ImageSource> source = open_training_list(config);
  const ImageSource& list = *source;
  auto batches = draw_preview(config, list, 1);
  batches[0].pairs[0].a.label = "<script>\"x\" & 'y'";
  batches[0].pairs[0].a.path = "a/<b>.png";
  const std::string page = preview_page(config, list, batches);
  CHECK(has_part(page, "A: <b>&lt;script&gt;&quot;x&quot; &amp; &#39;y&#39;</b>"));
  CHECK(has_part(page, "<small>a/&lt;b&gt;.png</small>"));
  CHECK_FALSE(has_part(page, "<script"));
  CHECK_FALSE(has_part(page, "http"));
  CHECK(count(page, "<img ") == 10);
  CHECK(count(page, "src=\"data:image/png;base64,iVBORw0KGgo") == 10);  // a PNG file's first bytes
  CHECK(count(page, "class=\"pair same\"") + count(page, "class=\"pair different\"") == 5);
  CHECK(has_part(page, "random_resized_crop [0.35, 1], flip"));
}

TEST_CASE("the picture of a preview has each pair in its frame") {
  const auto image = [](std::uint8_t value) {
    return PreviewImage{{2, 2, std::vector<std::uint8_t>(12, value)}, "x", "p", ""};
  };
  const std::vector<PreviewBatch> batches{{1, {{image(10), image(20), true}, {image(30), image(40), false}}}};
  const Image sheet = preview_sheet(batches);
  // Two cells of 2 + 2 pixels in three lines of 3, gaps of 6.
  REQUIRE((sheet.width == 6 + 2 * (4 + 9 + 6) && sheet.height == 6 + 2 + 6 + 6));
  const auto at = [&](int y, int x) { return sheet.row(y)[x * 3]; };
  CHECK((at(0, 0) == 255 && at(6, 6) == 0x2E && at(6, 6 + 19) == 0xE0));
  CHECK((at(9, 9) == 10 && at(9, 9 + 5) == 20 && at(10, 9 + 19) == 30 && at(10, 10 + 24) == 40));
  CHECK(preview_lines(batches) ==
        "batch 1, pair 1: same\n  A x: p\n  B x: p\nbatch 1, pair 2: different\n  A x: p\n  B x: p\n");
}

TEST_CASE("a preview says with what an image is mixed") {
  const test::TinyRun run;
  const Config config = config_of(run, {"loss.contrastive.weight=0", "pairs.batch=2", R"(data.augment.mixup={"p":1})"});
  const auto pairs = draw_preview(config, *open_training_list(config), 1)[0].pairs;
  CHECK(has_part(pairs[0].a.applied, "% " + pairs[1].a.label));
  CHECK(has_part(pairs[1].b.applied, "mixed with "));
}

TEST_CASE("a dry run tells which augmentation is on") {
  const test::TinyRun run;
  const test::Outcome dry = run.must_train({"--dry-run", "data.augment.equalize=0.25"});
  CHECK(has_part(dry.error, "\naugmentation: random_resized_crop [0.35, 1], flip, equalize 0.25\n"));
}

TEST_CASE("tandem data preview writes a page or a picture") {
  const test::TinyRun run;
  const auto preview = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"tandem-data", "preview", run.path("config.json")});
    return test::run_to_end(arguments);
  };
  const test::Outcome page = preview({"--out", run.path("sheet.html"), "--batches", "2", "--set", "pairs.batch=3"});
  INFO(page.error);
  CHECK(page.status == 0);
  CHECK(count(test::read_file(run.path("sheet.html")), "<img ") == 12);
  const test::Outcome picture = preview({"--out", run.path("sheet.png")});
  CHECK(picture.status == 0);
  CHECK(read_image(run.path("sheet.png")).width > 64);
  CHECK(count(picture.out, "\nbatch 1, pair ") == 4);

  test::check_refused(preview({"--out", run.path("sheet.jpg")}), "ends with .html or .png");
  test::check_refused(preview({"--out", run.path("x.html"), "--set", "pairs.batch=13"}), "13 pairs per step");
  test::check_refused(preview({"--out", run.path("x.html"), "--set", "data.augment.blur=1"}), "unknown key");
  test::check_refused(preview({"--out", run.path("x.html"), "--batches", "0"}), "--batches");
  CHECK_FALSE(std::filesystem::exists(run.path("x.html")));
}

}  // namespace
}  // namespace tandem::tools
